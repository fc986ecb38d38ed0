"""Objects of the corpus with another text in one place, put together of the pieces that such texts are made of."""

# ruff: noqa: SIM905 - so many pieces, each in quotes on a line of its own, cannot be read

from __future__ import annotations

import copy
import json
import random
from typing import Any

from dubbopy_cli.traffic import validate
from tests.corpus.mutations import Mutator, places

PIECES: dict[str, list[str]] = {
    "domain": [
        *r"""
        a b 1 - . .. * *. _ A / ./ */ ~/ :80 % ä example .com .svc.cluster.local xn--a 10.0.0.1 ::1 mesh
        """.split(),
        " ",
        "x" * 63,
        "a." * 120,
    ],
    "address": [
        *r"""
        10 .0 .0.0 10.0.0.1 01 256 . :: ::1 fe80 : ffff %eth0 / /8 /32 /33 /08 /-1 /129 [ ] unix:// /run/a @a a.b
        ::ffff:1.2.3.4 - * 1e1
        """.split(),
        " ",
    ],
    "regex": [
        *r"""
        a . * + ? ?? *? ** {2} {2,1} {1001} {1000} {,2} ( ) (a) (?:a) (?i) (?i:a) (?P<n>a) (?<n>a) (?P<n (?=a)
        (?<!a) (?#a) [ ] [a-c] [c-a] [^a] [[:alpha:]] [[:bad:]] []a] [a-\d] \d \pL \p{Greek} \p{Letter} \p{Bad}
        \PN \b \B \A \z \Z \G \Q \E \C \x41 \x{10FFFF} \x{110000} \07 \8 \1 \ \- \_ \é ^ $ | / ä \n \R \h
        (?s-i:a) (?z) { } \k<n>
        """.split(),
    ],
    "duration": [
        *r"""
        1 0 s ms us µs ns h m d . .5 - + 1s 0.5s 1e3 1h1m 315576000000s 999999999999s 100000h 0.0001s 0s
        """.split(),
        " ",
    ],
    "value": [
        *r"""
        % %% a %REQ(a)% %START_TIME(%s)% ( ) " %A_B% %a% %DYNAMIC_METADATA( ["a"] )% ä : %REQ(:path?x):5%
        %PER_REQUEST_STATE(a.b)% 100
        """.split(),
        "\t",
        "\n",
        "\x00",
        "\x7f",
        " ",
    ],
    "name": [
        *r"""
        a A - _ . / : * ~ , 1 x-a host Host :authority :path ä @request.auth.claims .sub [a] [ ] 5xx 503 reset
        gateway-error cancelled unavailable region /zone /* topology.kubernetes.io/zone topology.istio.io/network
        a=b HTTP HTTPS GRPC grpc-web TCP Mongo UNAVAILABLE GET CONNECT spiffe://a sha256: file:///a
        kubernetes://a configmap://a ECDHE-RSA-AES128-GCM-SHA256 AES128-SHA TLSV1_2 \1 \9
        """.split(),
        " ",
        "x" * 62,
        "x" * 64,
    ],
}
# Which pieces the text of a field is made of; of any where it is not here.
_DOMAINS = ("host", "hosts", "sniHosts", "gateways", "targetHost", "authority", "sni", "exact", "gateway", "proxy")
_KINDS = {
    **dict.fromkeys(_DOMAINS, "domain"),
    **dict.fromkeys(("address", "addresses", "bind", "destinationSubnets", "sourceSubnet", "endpoints"), "address"),
    **dict.fromkeys(("regex", "match"), "regex"),
    **dict.fromkeys(("set", "add"), "value"),
}


class Texts:
    """One seeded source of such objects."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        docs = [doc for doc in Mutator(seed).docs if all(one.severity != "error" for one in validate(doc))]
        self.docs = [doc for doc in docs if "null" not in json.dumps(doc)]

    def doc(self) -> dict[str, Any]:
        """Return an object with one text changed."""
        pick = self.random.choice
        doc = copy.deepcopy(pick(self.docs))
        found = [place for place in self._texts(doc["spec"], "") if place[2]]
        container, key, field = pick(found)
        if isinstance(container, dict) and field == key and self.random.random() < 0.1:
            # The names of a mapping are texts too; of a message they are not, and then its reader is asked.
            container[self.text(field)] = container.pop(key)
        elif field == "prefix" and self.random.random() < 0.4:
            container["regex"] = self.text("regex")
            del container[key]
        else:
            container[key] = self.text(field)
        return doc

    def _texts(self, node: Any, field: str) -> list[tuple[Any, Any, str]]:
        """Return (container, key, name of the field) of each text."""
        found = []
        for container, key in places(node):
            if isinstance(container[key], str):
                found.append((container, key, key if isinstance(key, str) else self._field(node, container)))
        return found

    def _field(self, node: Any, wanted: Any) -> str:
        return next((key for container, key in places(node) if container[key] is wanted and isinstance(key, str)), "-")

    def text(self, field: str) -> str:
        """Return a text for a field."""
        kind = _KINDS.get(field)
        if kind is None:
            timed = field.endswith(("Timeout", "Delay", "Duration", "Time", "interval", "timeout", "maxAge", "ttl"))
            kind = "duration" if timed else "name"
        if self.random.random() < 0.1:
            kind = self.random.choice(list(PIECES))
        return "".join(self.random.choices(PIECES[kind], k=self.random.choice((1, 1, 2, 2, 3, 3, 4, 6))))
