"""From protoc's descriptors to the services of each Go file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.scaffold.stubs import gonames
from dubbopy_cli.scaffold.stubs.gonames import Package
from dubbopy_cli.scaffold.stubs.model import GoFile, Import, Kind, Method, Service

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import (
        FileDescriptorProto,
        FileDescriptorSet,
        MethodDescriptorProto,
        ServiceDescriptorProto,
    )

# Field numbers of FileDescriptorProto.service and ServiceDescriptorProto.method, of which comment paths are made.
_SERVICE, _METHOD = 6, 2
_KINDS: dict[tuple[bool, bool], Kind] = {
    (False, False): "unary",
    (True, False): "client",
    (False, True): "server",
    (True, True): "bidi",
}


def go_files(descriptors: FileDescriptorSet, packages: Mapping[str, Package], own: tuple[str, ...]) -> list[GoFile]:
    """Return a Go file for each of the files ``own`` that declares services; DubbopyError when Go names collide."""
    messages = gonames.messages(descriptors)
    by_name = {file.name: file for file in descriptors.file}
    files = [_Reader(by_name[name], packages, messages).read() for name in own if by_name[name].service]
    _refuse_collisions(files, [by_name[name] for name in own], packages)
    return files


class _Reader:
    def __init__(
        self, file: FileDescriptorProto, packages: Mapping[str, Package], messages: Mapping[str, tuple[str, str]]
    ) -> None:
        self._file = file
        self._packages = packages
        self._messages = messages
        self._imports: dict[str, Import] = {}
        self._comments = {
            tuple(location.path): location.leading_comments or location.trailing_comments
            for location in file.source_code_info.location
        }

    def read(self) -> GoFile:
        services = tuple(self._service(index, one) for index, one in enumerate(self._file.service))
        return GoFile(
            source=self._file.name,
            package=self._packages[self._file.name].name,
            imports=tuple(sorted(self._imports.values(), key=lambda one: one.path)),
            services=services,
        )

    def _service(self, index: int, service: ServiceDescriptorProto) -> Service:
        return Service(
            full_name=_joined(self._file.package, service.name),
            go_name=gonames.exported(service.name),
            methods=tuple(self._method(index, number, one) for number, one in enumerate(service.method)),
            doc=self._doc(_SERVICE, index),
        )

    def _method(self, service: int, index: int, method: MethodDescriptorProto) -> Method:
        return Method(
            name=method.name,
            go_name=gonames.exported(method.name),
            kind=_KINDS[method.client_streaming, method.server_streaming],
            request=self._type(method.input_type),
            response=self._type(method.output_type),
            doc=self._doc(_SERVICE, service, _METHOD, index),
        )

    def _type(self, full_name: str) -> str:
        file, name = self._messages[full_name]
        package = self._packages[file]
        if package.path == self._packages[self._file.name].path:
            return name
        if package.path not in self._imports:
            taken = [one.alias for one in self._imports.values()]
            self._imports[package.path] = Import(gonames.alias(package.name, taken), package.path)
        return f"{self._imports[package.path].alias}.{name}"

    def _doc(self, *path: int) -> tuple[str, ...]:
        lines = self._comments.get(path, "").rstrip().splitlines()
        # A comment that starts right after the slashes could be read as a directive, such as //go:linkname.
        return tuple(line.rstrip() if line.startswith(" ") else f" {line}".rstrip() for line in lines)


def _refuse_collisions(files: list[GoFile], own: list[FileDescriptorProto], packages: Mapping[str, Package]) -> None:
    seen: dict[tuple[str, str], str] = {}
    declared = [(packages[file.name].path, *one) for file in own for one in _declared(file)]
    made = [(packages[file.source].path, *one) for file in files for one in _made(file)]
    for path, name, origin in declared + made:
        other = seen.setdefault((path, name), origin)
        if other != origin:
            raise DubbopyError(
                "proto-invalid",
                f"{other} and {origin} both become the Go name {name.split('.')[-1]}",
                hint="rename one of them in the .proto, then: dubbopy-cli generate",
            )


def _declared(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    for kind, items in (("message", file.message_type), ("enum", file.enum_type)):
        for item in items:
            yield gonames.camel(item.name), f"{kind} {_joined(file.package, item.name)}"


def _made(file: GoFile) -> Iterator[tuple[str, str]]:
    for service in file.services:
        name, origin = service.go_name, f"service {service.full_name}"
        for text in ("{}", "{}Name", "{}Impl", "{}Handler", "New{}", "Register{}Handler", "{}_ClientInfo"):
            yield text.format(name), origin
        for method in service.methods:
            rpc = f"rpc {service.full_name}.{method.name}"
            yield f"{name}.{method.go_name}", rpc
            yield f"{name}{method.name}Procedure", rpc
            if method.kind != "unary":
                yield f"{name}{method.name}Client", rpc
                yield f"{name}{method.name}Server", rpc


def _joined(package: str, name: str) -> str:
    return f"{package}.{name}" if package else name
