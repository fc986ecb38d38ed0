"""The real Envoy and our own evaluation of a request take the same route, for seeded random rules and requests."""

import random

from dubbopy_cli.traffic.request import Request, mismatch
from dubbopy_cli.traffic.routes import routes_of
from tests import rules as given
from tests.envoymesh import SERVICE

VALUES = ("admin", "guest", "a", "", "Admin", "admin2")
NAMES = ("user", "x-group", "User", "region")
PATHS = ("/api.Greeter/SayHello", "/api.Greeter/Other", "/api.GreeterX/SayHello", "/a", "/", "/API.greeter/sayhello")
REGEXES = ("a.*", "[a-z]+", "admin|guest", "*", ".+", "(?i)admin", ".*")


def string_match(chance, values, *, regexes=REGEXES, empty_prefix=False):
    kind = chance.choice(("exact", "prefix", "regex", "exact", ""))
    if not kind:
        return {}
    value = chance.choice(regexes) if kind == "regex" else chance.choice(values)
    if kind == "prefix":
        value = value[: chance.randint(1, 4)] or ("a" if not empty_prefix else "")
    return {kind: value}


def condition(chance):
    match = {}
    if chance.random() < 0.6:
        match["headers"] = {chance.choice(NAMES): string_match(chance, VALUES) for _ in range(chance.randint(1, 2))}
    if chance.random() < 0.25:
        match["withoutHeaders"] = {chance.choice(NAMES): string_match(chance, VALUES)}
    if chance.random() < 0.5:
        match["uri"] = string_match(
            chance, PATHS, regexes=("/api\\..*", "/[^/]+/SayHello", ".*", "/"), empty_prefix=True
        )
        match["ignoreUriCase"] = chance.random() < 0.3
    if chance.random() < 0.2:
        match["method"] = string_match(chance, ("GET", "POST"), regexes=("P.*", "*"))
    if chance.random() < 0.2:
        match["queryParams"] = {
            chance.choice("ab"): string_match(chance, ("1", "x y", "x%20y", ""), regexes=("[0-9]", "*"))
        }
    return match


def request(chance):
    headers = []
    for _ in range(chance.randint(0, 3)):
        name = chance.choice(NAMES)
        headers.append((name.upper() if chance.random() < 0.2 else name, chance.choice(VALUES)))
    path = chance.choice(PATHS) + chance.choice(("", "?a=1", "?b=x%20y&a=2", "?a=&b", "?a=%C3%A4"))
    return Request(path=path, method=chance.choice(("GET", "POST")), headers=tuple(headers))


def test_we_and_envoy_take_the_same_route(mesh):
    chance = random.Random(20261123)
    compared = 0
    for _ in range(60):
        http = [
            {
                "match": [condition(chance) for _ in range(chance.randint(1, 2))],
                "directResponse": {"status": 300 + place},
            }
            for place in range(chance.randint(1, 8))
        ]
        rule = given.virtual_service(*http, hosts=(SERVICE.name,))
        mesh.apply(given.rules(rule))
        routes = routes_of(rule, SERVICE)
        for _ in range(20):
            asked = request(chance)
            taken = next((300 + one.index for one in routes if not mismatch(one.match, asked)), 404)
            status = mesh.http(asked.path, asked.method, asked.headers)[0]
            assert status == taken, (http, asked)
            compared += 1
    assert compared == 1200
