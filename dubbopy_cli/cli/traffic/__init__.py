"""`traffic`: steer calls between versions; one module here a verb, or a few that are alike."""

from __future__ import annotations

from importlib import import_module

from dubbopy_cli.cli.main import app
from dubbopy_cli.cli.verb import group

traffic = group("traffic", "Steer calls between versions.")
app.add_typer(traffic)

# In the order in which --help shows their verbs.
for _name in ("show", "explain", "lint", "routes", "shift", "actions", "files", "verify", "history"):
    import_module(f"{__name__}.{_name}")
