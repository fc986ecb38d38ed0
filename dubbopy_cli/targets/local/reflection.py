"""Methods and message types of a running server, by gRPC server reflection (v1alpha, which dubbo-go offers)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from dubbopy_cli import names
from dubbopy_cli.errors import DubbopyError, UsageError

# grpc and protobuf say no more about their own types.
Channel: TypeAlias = Any
Message: TypeAlias = Any
Pool: TypeAlias = Any

_OWN = ("grpc.health.", "grpc.reflection.", "grpc.channelz.")
_ASK_SECONDS = 5.0


@dataclass(frozen=True)
class Method:
    """One unary method with the message classes of its request and answer."""

    service: str
    name: str
    request: Message
    answer: Message

    @property
    def full(self) -> str:
        """Return ``package.Service/Method``."""
        return f"{self.service}/{self.name}"


def methods(channel: Channel, application: str) -> tuple[Method, ...]:
    """Return the unary methods that the server behind ``channel`` offers, sorted by name.

    Raises DubbopyError ``reflection-missing`` when the server cannot be asked.
    """
    from google.protobuf import descriptor_pool, message_factory

    asker = _Asker(channel, application)
    pool = descriptor_pool.DescriptorPool()
    found = []
    for service in asker.services():
        if service.startswith(_OWN):
            continue
        asker.load(pool, service)
        found += [
            Method(
                service,
                method.name,
                message_factory.GetMessageClass(method.input_type),
                message_factory.GetMessageClass(method.output_type),
            )
            for method in pool.FindServiceByName(service).methods
            if not method.client_streaming and not method.server_streaming
        ]
    return tuple(sorted(found, key=lambda one: one.full))


def pick(known: tuple[Method, ...], wish: str, application: str) -> Method:
    """Return the method that ``wish`` names: ``package.Service/Method``, its end, or nothing for the only one."""
    wish = wish.strip("/")
    fitting = [one for one in known if not wish or one.full == wish or one.full.endswith((f"/{wish}", f".{wish}"))]
    if len(fitting) == 1:
        return fitting[0]
    full = [one.full for one in known]
    if fitting:
        raise UsageError(
            "method-unknown",
            f"{application} has {len(fitting)} methods"
            + (f" that '{wish}' may mean" if wish else "")
            + f": {', '.join(one.full for one in fitting)}",
            hint=f"name one: dubbopy-cli call {fitting[0].full} --app {application}",
        )
    if not known:
        raise UsageError(
            "method-unknown",
            f"{application} offers no unary method",
            hint="write one into api/api.proto, then: dubbopy-cli generate",
        )
    ends = {word: one.full for one in known for word in (one.full, one.full.rsplit(".", 1)[-1], one.name)}
    near = names.did_you_mean(wish, list(ends))
    meant = next((whole for word, whole in ends.items() if f"'{word}'" in near), full[0])
    raise UsageError(
        "method-unknown",
        f"{application} has no unary method '{wish}', it has {', '.join(full)}.{near}",
        hint=f"dubbopy-cli call {meant} --app {application}",
    )


class _Asker:
    def __init__(self, channel: Channel, application: str) -> None:
        from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

        self._messages: Any = reflection_pb2
        self._stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        self._application = application

    def services(self) -> list[str]:
        answer = self._ask(list_services="")
        return [one.name for one in answer.list_services_response.service]

    def load(self, pool: Pool, service: str) -> None:
        from google.protobuf import descriptor_pb2

        files: dict[str, Message] = {}
        waiting = self._files(self._ask(file_containing_symbol=service))
        while waiting:
            file = descriptor_pb2.FileDescriptorProto.FromString(waiting.pop())
            if file.name in files:
                continue
            files[file.name] = file
            for name in file.dependency:
                if name not in files:
                    waiting += self._file(name)
        for file in files.values():
            _add(pool, files, file)

    def _file(self, name: str) -> list[bytes]:
        answer = self._ask(file_by_filename=name)
        if answer.WhichOneof("message_response") == "file_descriptor_response":
            return self._files(answer)
        # A server may keep Google's own types to itself; every protobuf library has them.
        from google.protobuf import descriptor_pool

        return [bytes(descriptor_pool.Default().FindFileByName(name).serialized_pb)]

    def _files(self, answer: Message) -> list[bytes]:
        return list(answer.file_descriptor_response.file_descriptor_proto)

    def _ask(self, **question: str) -> Message:
        import grpc

        request = self._messages.ServerReflectionRequest(**question)
        stream = self._stub.ServerReflectionInfo(iter([request]), timeout=_ASK_SECONDS)
        try:
            answer = next(stream)
        except (grpc.RpcError, StopIteration) as error:
            code = error.code().name if isinstance(error, grpc.RpcError) else "no answer"
            raise DubbopyError(
                "reflection-missing",
                f"{self._application} does not tell its methods: gRPC server reflection (v1alpha) answered {code}",
                hint="register server reflection in the server, as the projects of newApp do",
            ) from error
        # dubbo-go ends the stream with UNKNOWN instead of OK, so it is not read to its end.
        stream.cancel()
        return answer


def _add(pool: Pool, files: dict[str, Message], file: Message) -> None:
    try:
        pool.FindFileByName(file.name)
    except KeyError:
        for name in file.dependency:
            if name in files:
                _add(pool, files, files[name])
        pool.Add(file)
