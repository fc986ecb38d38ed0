"""What an HTTP route does besides sending a call on: faults, retries, redirects, rewrites, answers, CORS."""

from __future__ import annotations

from dubbopy_cli.traffic import units
from dubbopy_cli.traffic.model import mapping, sequence, text
from dubbopy_cli.traffic.validation import matches, names
from dubbopy_cli.traffic.validation.faults import Faults, Node, amount, error, has, items, refused, unheard, warning
from dubbopy_cli.traffic.words import GRPC_STATUS

# Envoy's `x-envoy-retry-on` and `x-envoy-retry-grpc-on`, as far as Istio lets them through.
_RETRY_ON = {
    *("5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "retriable-4xx", "refused-stream"),
    *("retriable-status-codes", "retriable-headers", "envoy-ratelimited", "http3-post-connect-failure"),
    *("cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"),
}
# Those that have a name in Go's `net/http`.
_STATUS = {
    *(*range(100, 104), *range(200, 209), 226, *range(300, 306), 307, 308, *range(400, 419), *range(421, 427)),
    *(428, 429, 431, 451, *range(500, 509), 510, 511),
}
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"}
_KIB = 1024


def cors(route: Node, path: str) -> Faults:
    """Judge a policy for calls of browsers (`validateCORSPolicy`)."""
    node, place = mapping(route.get("corsPolicy")), f"{path}.corsPolicy"
    for spot, origin in items(node, "allowOrigins", place):
        if not any(text(mapping(origin).get(key)) for key in ("exact", "prefix", "regex")):
            yield error("cors", spot, "a text is needed to compare the origin with")
        elif mapping(origin).get("regex") is not None:
            yield from matches.string_match(origin, spot)
    for spot, method in items(node, "allowMethods", place):
        if method not in _METHODS:
            yield error("cors", spot, f"'{method}' is no method of HTTP")
    for key in ("allowHeaders", "exposeHeaders"):
        for spot, name in items(node, key, place):
            yield from refused("cors", spot, "" if name == "*" else matches.header_name(text(name)))
    age = node.get("maxAge")
    if age is not None:
        nanos = units.nanoseconds(age) or 0
        late = f"{age} is more precise than seconds" if nanos % 10**9 else ""
        yield from refused("duration", f"{place}.maxAge", names.duration(age) or late)


def fault(route: Node, path: str) -> Faults:
    """Judge faults that are made on purpose (`validateHTTPFaultInjection`)."""
    if not has(route, "fault"):
        return
    node, place = mapping(route["fault"]), f"{path}.fault"
    if not has(node, "abort") and not has(node, "delay"):
        yield error("fault", place, "an abort or a delay is needed")
    yield from unheard(_abort(node, place))
    yield from _delay(node, place)


def _abort(fault: Node, path: str) -> Faults:
    if not has(fault, "abort"):
        return
    node, place = mapping(fault["abort"]), f"{path}.abort"
    yield from _percentage(node, place)
    if node.get("grpcStatus") is not None:
        if node["grpcStatus"] not in GRPC_STATUS:
            message = f"'{node['grpcStatus']}' is no status of gRPC, such as UNAVAILABLE"
            yield error("fault", f"{place}.grpcStatus", message)
    elif node.get("http2Error") is not None:
        yield error("fault", f"{place}.http2Error", "errors of HTTP/2 cannot be injected yet")
    elif node.get("httpStatus") is not None:
        yield from refused("fault", f"{place}.httpStatus", http_status(amount(node["httpStatus"])))
    else:
        yield warning("fault", place, "nothing is aborted without httpStatus or grpcStatus")


def _delay(fault: Node, path: str) -> Faults:
    node, place = mapping(fault.get("delay")), f"{path}.delay"
    yield from _percentage(node, place)
    if node.get("fixedDelay") is not None:
        yield from refused("duration", f"{place}.fixedDelay", names.duration(node["fixedDelay"]))
    elif node.get("exponentialDelay") is not None:
        yield error("fault", f"{place}.exponentialDelay", "a growing delay cannot be injected yet")


def _percentage(node: Node, path: str) -> Faults:
    value = amount(mapping(node.get("percentage")).get("value"))
    if value and not 0.0001 <= value <= 100:
        yield error("fault", f"{path}.percentage.value", f"{value} is neither 0 nor from 0.0001 to 100")


def http_status(value: float) -> str:
    """Judge a status of HTTP (`validateHTTPStatus`, which lets 600 pass)."""
    return "" if 200 <= value <= 600 else f"{value} is no status from 200 to 599"


def retries(route: Node, path: str) -> Faults:
    """Judge when a call is tried again (`validateHTTPRetry`)."""
    node, place = mapping(route.get("retries")), f"{path}.retries"
    attempts = amount(node.get("attempts"))
    if attempts < 0:
        yield error("retries", f"{place}.attempts", f"{attempts} is below 0")
    on = text(node.get("retryOn"))
    more = [key for key in ("perTryTimeout", "retryRemoteLocalities") if node.get(key) is not None]
    more += ["retryOn"] if on else []
    if attempts == 0 and more:
        yield error("retries", f"{place}.{more[0]}", "has no meaning when attempts is 0, which switches retries off")
    for one in on.split(",") if on else ():
        if names.number(one) not in _STATUS and one not in _RETRY_ON:
            spaces = "; write no spaces" if one != one.strip() else ""
            yield error("retries", f"{place}.retryOn", f"'{one}' is nothing to retry on{spaces}")
    for key in ("perTryTimeout", "backoff"):
        if node.get(key) is not None:
            yield from refused("duration", f"{place}.{key}", names.duration(node[key]))


def redirect(route: Node, path: str) -> Faults:
    """Judge a redirect; Istio names the first fault only (`validateHTTPRedirect`)."""
    if has(route, "redirect"):
        where, reason = _redirect(mapping(route["redirect"]), route)
        yield from refused("redirect", f"{path}.redirect{where}", reason)


def _redirect(node: Node, route: Node) -> tuple[str, str]:
    uri, prefix, scheme = (text(node.get(key)) for key in ("uri", "prefixRewrite", "scheme"))
    if uri and prefix:
        return ".prefixRewrite", "only one of uri and prefixRewrite can be given"
    uris = [mapping(one)["uri"] for one in sequence(route.get("match")) if has(mapping(one), "uri")]
    if prefix and any(mapping(one).get("prefix") is None for one in uris):
        return ".prefixRewrite", "every condition on the URI has to be a prefix"
    numbered = node.get("port") is not None or node.get("derivePort") is not None
    if not (uri or prefix or scheme or numbered or text(node.get("authority"))):
        return "", "a uri, authority, scheme or port is needed"
    code = amount(node.get("redirectCode"))
    if code and not 300 <= code <= 399:
        return ".redirectCode", f"{code} is no status from 300 to 399"
    if scheme not in {"", "http", "https"}:
        return ".scheme", f"'{scheme}' is neither http nor https"
    port = amount(node.get("port"))
    return ".port", names.port(port) if port > 0 else ""


def direct_response(route: Node, path: str) -> Faults:
    """Judge an answer that Envoy gives by itself (`validateHTTPDirectResponse`)."""
    if not has(route, "directResponse"):
        return
    node, place = mapping(route["directResponse"]), f"{path}.directResponse"
    body = mapping(node.get("body"))
    # Four signs of base64 stand for three bytes.
    size = names.size(text(body.get("string"))) or len(text(body.get("bytes")).rstrip("=")) * 3 // 4
    if size > _KIB * _KIB:
        yield error("direct-response", f"{place}.body", "larger than 1 MiB")
    elif size > 100 * _KIB:
        yield warning("direct-response", f"{place}.body", "larger than 100 KiB; every proxy has to hold it")
    yield from refused("direct-response", f"{place}.status", http_status(amount(node.get("status"))))


def rewrite(route: Node, path: str) -> Faults:
    """Judge a change of path or host (`validateHTTPRewrite`)."""
    if not has(route, "rewrite"):
        return
    node, place = mapping(route["rewrite"]), f"{path}.rewrite"
    uri, by_regex = text(node.get("uri")), has(node, "uriRegexRewrite")
    if uri and by_regex:
        yield error("rewrite", f"{place}.uriRegexRewrite", "only one of uri and uriRegexRewrite can be given")
    elif not (uri or by_regex or text(node.get("authority"))):
        yield error("rewrite", place, "a uri, uriRegexRewrite or authority is needed")
    elif by_regex:
        found, spot = mapping(node["uriRegexRewrite"]), f"{place}.uriRegexRewrite"
        if not text(found.get("match")) or not text(found.get("rewrite")):
            yield error("rewrite", spot, "both match and rewrite are needed")
        else:
            yield from refused("regex", f"{spot}.match", matches.regex_fault(text(found["match"])))
