"""From templates to a project."""
