"""From a project to an artifact."""
