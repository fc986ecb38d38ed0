"""What a .proto file declares, in the words of the Go file made from it, and what a maker of stubs returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["unary", "client", "server", "bidi"]


@dataclass(frozen=True)
class Import:
    """A Go package that holds messages of other .proto files."""

    alias: str
    path: str


@dataclass(frozen=True)
class Method:
    """One rpc; ``request`` and ``response`` are Go types, ``doc`` the comment lines as they follow ``//``."""

    name: str
    go_name: str
    kind: Kind
    request: str
    response: str
    doc: tuple[str, ...]


@dataclass(frozen=True)
class Service:
    """One service of a file."""

    full_name: str
    go_name: str
    methods: tuple[Method, ...]
    doc: tuple[str, ...]


@dataclass(frozen=True)
class GoFile:
    """One .proto file that declares services, as the file of Go that is made from it."""

    source: str
    package: str
    imports: tuple[Import, ...]
    services: tuple[Service, ...]

    @property
    def calls(self) -> bool:
        """Tell whether any service has an rpc."""
        return any(service.methods for service in self.services)

    @property
    def streams(self) -> bool:
        """Tell whether any rpc streams."""
        return any(method.kind != "unary" for service in self.services for method in service.methods)


@dataclass(frozen=True)
class Made:
    """Stubs by their path in the project; ``initial`` files are only made where there are none."""

    files: Mapping[str, bytes]
    warnings: tuple[str, ...]
    initial: Mapping[str, bytes] = field(default_factory=dict)
