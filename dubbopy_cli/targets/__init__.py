"""Where releases run: one protocol, one package a target."""
