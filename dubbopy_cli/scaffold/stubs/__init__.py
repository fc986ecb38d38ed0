"""From api/*.proto to the stubs that a project's code imports, with no protoc on the machine."""
