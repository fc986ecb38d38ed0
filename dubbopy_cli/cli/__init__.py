"""The command line: one module a verb, which declares options, builds a request, calls and shows."""
