"""Stubs made from api/*.proto by `dubbopy-cli generate`."""
