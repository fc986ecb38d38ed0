"""Serve or call what api/*.proto declares: peer.py serve PORT, peer.py call PORT."""

import sys
from concurrent import futures

import grpc
from google.protobuf import empty_pb2, timestamp_pb2
from MODULE.api import api_pb2, api_pb2_grpc
from MODULE.api.common.v1 import money_pb2
from MODULE.api.type import names_pb2, names_pb2_grpc


class Greeter(api_pb2_grpc.GreeterServicer):
    def SayHello(self, request, context):
        return api_pb2.User(name=f"Hello {request.name}")

    def SayBye(self, request, context):
        return api_pb2.User(name=f"Bye {request.name}")

    def Watch(self, request, context):
        if not request.name:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no name")
        for letter in request.name:
            yield api_pb2.User(name=letter)

    def Gather(self, requests, context):
        names = [request.name for request in requests]
        return api_pb2.User(name="+".join(names), age=len(names))

    def Chat(self, requests, context):
        for request in requests:
            yield api_pb2.User(name=request.name.upper())


class Shop(api_pb2_grpc.ShopServicer):
    def Price(self, request, context):
        return money_pb2.Money(currency=request.item, units=100 * request.count)

    def now(self, request, context):
        return timestamp_pb2.Timestamp(seconds=42)

    def select(self, request, context):
        return names_pb2.snake_case.inner_2x(map=request.range)

    def Follow(self, requests, context):
        yield names_pb2.func(range=next(requests).item)


class Plain(names_pb2_grpc.PlainServicer):
    def Same(self, request, context):
        return request


def serve(address):
    server = grpc.server(futures.ThreadPoolExecutor(8))
    api_pb2_grpc.add_GreeterServicer_to_server(Greeter(), server)
    api_pb2_grpc.add_ShopServicer_to_server(Shop(), server)
    names_pb2_grpc.add_PlainServicer_to_server(Plain(), server)
    server.add_insecure_port(address)
    server.start()
    server.wait_for_termination()


def hello(*names):
    return [api_pb2.HelloRequest(name=name) for name in names]


def call(channel):
    greeter = api_pb2_grpc.GreeterStub(channel)
    print("SayHello", greeter.SayHello(*hello("ann"), timeout=5).name)
    print("SayBye", greeter.SayBye(*hello("ann"), timeout=5).name)
    for answer in greeter.Watch(*hello("abc"), timeout=5):
        print("Watch", answer.name)
    try:
        list(greeter.Watch(*hello(""), timeout=5))
    except grpc.RpcError as error:
        print("Watch", "false", error.code().name.lower())
    answer = greeter.Gather(iter(hello("x", "y", "z")), timeout=5)
    print("Gather", answer.name, answer.age)
    for answer in greeter.Chat(iter(hello("p", "q")), timeout=5):
        print("Chat", answer.name)
    print("Chat ends", "true")
    shop = api_pb2_grpc.ShopStub(channel)
    price = shop.Price(api_pb2.Order.Line(item="EUR", count=3), timeout=5)
    print("Price", price.currency, price.units)
    print("now", shop.now(empty_pb2.Empty(), timeout=5).seconds)
    print("select", shop.select(names_pb2.func(range="r"), timeout=5).map)
    print("Follow", next(shop.Follow(iter([api_pb2.Order.Line(item="tea")]), timeout=5)).range)
    plain = names_pb2_grpc.PlainStub(channel)
    print("Same", plain.Same(names_pb2.func(range="same"), timeout=5).range)


if __name__ == "__main__":
    address = f"127.0.0.1:{sys.argv[2]}"
    if sys.argv[1] == "serve":
        serve(address)
    else:
        with grpc.insecure_channel(address) as channel:
            call(channel)
