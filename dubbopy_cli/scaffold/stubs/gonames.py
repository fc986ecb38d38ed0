"""The Go names that protoc-gen-go gives to what a .proto file declares."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, count
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from dubbopy_cli.errors import DubbopyError

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

_KEYWORD = re.compile(
    "break|case|chan|const|continue|default|defer|else|fallthrough|for|func|go|goto|if|import|interface|map|package"
    "|range|return|select|struct|switch|type|var"
)
# What the generated file calls its own imports, parameters and variables, and the predeclared names it uses.
_TAKEN = re.compile(
    "context|http|dubbo|client|common|constant|triple_protocol|server|any|bool|error|false|new|nil|string|true"
    "|args|c|cli|conn|ctx|err|handler|msg|ok|opts|req|resp|s|srv|stream"
)


@dataclass(frozen=True)
class Package:
    """Where the Go code of a .proto file lives."""

    path: str
    name: str


def camel(name: str) -> str:
    """Return the Go name of a message, given its name below the proto package; dots part nested messages.

    The rules are those of `google.golang.org/protobuf/internal/strs.GoCamelCase`.
    """
    name = re.sub(r"(^|\.)_([a-z]?)", lambda m: f"{m[1]}X{m[2].upper()}", name)
    name = re.sub(r"(?:^|[._]|(?<=[0-9]))([a-z])", lambda m: m[1].upper(), name)
    return name.replace(".", "_")


def exported(name: str) -> str:
    """Return the Go name of a service or rpc: the official plugin only makes the first letter a capital."""
    return name[0].upper() + name[1:]


def package_name(text: str) -> str:
    """Return ``text`` as the name of a Go package; as `internal/strs.GoSanitized`."""
    name = re.sub(r"[^\w]", "_", text)
    return f"_{name}" if _KEYWORD.fullmatch(name) or not name[:1].isalpha() else name


def packages(descriptors: FileDescriptorSet, own: Iterable[str], module: str) -> dict[str, Package]:
    """Return the Go package of every file; those of ``own`` follow the folder, whatever their go_package says.

    Raises DubbopyError ``proto-invalid`` for an imported file outside api/ that names no Go package.
    """
    mine = frozenset(own)
    return {file.name: _package(file, module if file.name in mine else None) for file in descriptors.file}


def _package(file: FileDescriptorProto, module: str | None) -> Package:
    path, _, name = file.options.go_package.partition(";")
    if module is not None:
        folder = PurePosixPath(file.name).parent
        path = path or folder.name
        return Package(f"{module}/{folder}", package_name(name or PurePosixPath(path).name or folder.name))
    if not path:
        raise DubbopyError(
            "proto-invalid",
            f"{file.name} is imported from outside api/ and does not say where its Go code is",
            hint=f'give {file.name} a line such as: option go_package = "example.com/module/package;package";',
        )
    return Package(path, package_name(name or PurePosixPath(path).name))


def messages(descriptors: FileDescriptorSet) -> dict[str, tuple[str, str]]:
    """Return for each message's full name, with its leading dot, its file and its Go name."""
    found: dict[str, tuple[str, str]] = {}

    def walk(file: FileDescriptorProto, prefix: str, below: str, items: Iterable[DescriptorProto]) -> None:
        for item in items:
            name = f"{below}{item.name}"
            found[f"{prefix}.{name}"] = (file.name, camel(name))
            walk(file, prefix, f"{name}.", item.nested_type)

    for file in descriptors.file:
        walk(file, f".{file.package}" if file.package else "", "", file.message_type)
    return found


def alias(name: str, taken: Iterable[str]) -> str:
    """Return the name under which a generated file imports a package: ``name`` unless that is in use."""
    used = set(taken)
    names = chain([name], (f"{name}{number}" for number in count(1)))
    return next(one for one in names if one not in used and not _TAKEN.fullmatch(one) and not _KEYWORD.fullmatch(one))
