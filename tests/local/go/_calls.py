"""Calls of api.Greeter with messages made of the Go template's own proto file."""

from functools import partial

from tests import greeter

from ._project import TEMPLATES

say_hello = partial(greeter.say_hello, TEMPLATES / "go/project")
start_hello = partial(greeter.start_hello, TEMPLATES / "go/project")
