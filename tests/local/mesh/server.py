"""A tiny gRPC server as an artifact: health, reflection and a Greeter whose types are built when it starts.

Run as `python server.py`; the environment says how it behaves, see the tests.
"""

import os
import signal
import sys
import threading
import time
from concurrent import futures
from datetime import UTC, datetime
from pathlib import Path

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection


def log(text):
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    print(f"{moment} INFO {text}", flush=True)


def greeter():
    file = descriptor_pb2.FileDescriptorProto(name="api.proto", package="api", syntax="proto3")
    request = file.message_type.add(name="HelloRequest")
    request.field.add(name="name", number=1, type=9, label=1, json_name="name")
    user = file.message_type.add(name="User")
    user.field.add(name="name", number=1, type=9, label=1, json_name="name")
    user.field.add(name="id", number=2, type=9, label=1, json_name="id")
    service = file.service.add(name="Greeter")
    for name in ("SayHello", *filter(None, os.environ.get("EXTRA_METHODS", "").split(","))):
        service.method.add(name=name, input_type=".api.HelloRequest", output_type=".api.User")
    pool = descriptor_pool.Default()
    pool.Add(file)
    return [
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"api.{one}")) for one in ("HelloRequest", "User")
    ]


def main():
    if os.environ.get("CRASH"):
        log("about to crash")
        sys.exit(f"cannot start: {os.environ['CRASH']}")
    request, user = greeter()
    tag = os.environ.get("TAG", "dev")

    def say_hello(asked, context):
        if os.environ.get("FAILS"):
            context.abort(grpc.StatusCode[os.environ["FAILS"]], "as it was told to")
        if os.environ.get("SLOW"):
            log("asked")
            time.sleep(float(os.environ["SLOW"]))
        return user(name=f"Hello {asked.name}", id=f"v{tag}")

    server = grpc.server(futures.ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
    handler = grpc.unary_unary_rpc_method_handler(
        say_hello, request_deserializer=request.FromString, response_serializer=user.SerializeToString
    )
    methods = ["SayHello", *filter(None, os.environ.get("EXTRA_METHODS", "").split(","))]
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("api.Greeter", dict.fromkeys(methods, handler))]
    )
    servicer = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    reflection.enable_server_reflection(["api.Greeter", health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    server.add_insecure_port(f"{os.environ['DUBBO_HOST']}:{os.environ['DUBBO_PORT']}")
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    server.start()
    if os.environ.get("NEVER_READY"):
        servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    log(f"serving {tag} in {Path.cwd()}")
    stopping.wait()
    log("ending")
    server.stop(10).wait()


if __name__ == "__main__":
    main()
