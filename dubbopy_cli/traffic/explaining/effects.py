"""What a route does besides choosing where a call goes: time limit, retries, faults, mirrors, rewrites."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dubbopy_cli.traffic.model import mapping, number, sequence, text
from dubbopy_cli.traffic.units import duration, fraction

DEFAULT_RETRIES = 2
DEFAULT_RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"
# What Go's net/http has a text for; any other number stays a word, as in `retry.parseRetryOn`.
_STATUSES = frozenset(
    {
        *range(100, 104),
        *range(200, 209),
        226,
        *range(300, 306),
        307,
        308,
        *range(400, 419),
        *range(421, 427),
        428,
        429,
        431,
        451,
        *range(500, 509),
        510,
        511,
    }
)


@dataclass(frozen=True)
class Retries:
    """How often a call is tried again, and after what; ``is_default`` where the rule does not say."""

    attempts: int
    on: str = ""
    codes: tuple[int, ...] = ()
    per_try_timeout: str = ""
    is_default: bool = False

    def __str__(self) -> str:
        if not self.attempts:
            return "no retries"
        times = "1 retry" if self.attempts == 1 else f"{self.attempts} retries"
        codes = f" ({', '.join(map(str, self.codes))})" if self.codes else ""
        limit = f", each try within {self.per_try_timeout}" if self.per_try_timeout else ""
        why = ": Istio's default, for the rule says nothing of retries" if self.is_default else ""
        return f"{times} on {self.on}{codes}{limit}{why}"


@dataclass(frozen=True)
class Fault:
    """What is done to calls on purpose; shares are of the calls that take the route."""

    delay: str = ""
    delay_share: Fraction = Fraction(0)
    abort: str = ""
    abort_share: Fraction = Fraction(0)

    def __str__(self) -> str:
        parts = [f"{_percent(self.delay_share)} wait {self.delay}"] if self.delay else []
        parts += [f"{_percent(self.abort_share)} are answered {self.abort}"] if self.abort else []
        return ", ".join(parts)


@dataclass(frozen=True)
class Rewrite:
    """What is changed in the call before it is sent on."""

    uri: str = ""
    authority: str = ""
    pattern: str = ""
    substitution: str = ""


def timeout(http: Mapping[str, Any]) -> str:
    """Return the time limit in seconds such as ``0.2s``, an empty text for none, which is Istio's default."""
    limit = duration(http.get("timeout"), "0s")
    return "" if limit == "0s" else limit


def retries(http: Mapping[str, Any]) -> Retries:
    """Return the retries of a route (`retry.ConvertPolicy`)."""
    node = http.get("retries")
    if not isinstance(node, Mapping):
        return Retries(DEFAULT_RETRIES, DEFAULT_RETRY_ON, is_default=True)
    attempts = number(node.get("attempts"))
    if attempts <= 0:
        return Retries(0)
    on, codes = retry_on(text(node.get("retryOn"))) if text(node.get("retryOn")) else (DEFAULT_RETRY_ON, ())
    return Retries(attempts, on, codes, duration(node.get("perTryTimeout"), ""))


def retry_on(value: str) -> tuple[str, tuple[int, ...]]:
    """Return what is tried again and the HTTP statuses among it: whole numbers become a list of their own."""
    words, codes = [], []
    for part in (one.strip() for one in value.split(",")):
        if part.isdecimal() and int(part) in _STATUSES:
            codes.append(int(part))
        elif part:
            words.append(part)
    if codes and "retriable-status-codes" not in ",".join(words):
        words.append("retriable-status-codes")
    return ",".join(words), tuple(codes)


def fault(http: Mapping[str, Any]) -> Fault | None:
    """Return the faults of a route that reach any call; no percentage means none of them (`TranslateFault`)."""
    node = mapping(http.get("fault"))
    delay, abort = mapping(node.get("delay")), mapping(node.get("abort"))
    wait = duration(delay.get("fixedDelay"), "")
    delayed = _share(delay, "percentage", "percent") if wait else Fraction(0)
    grpc = text(abort.get("grpcStatus"))
    status = number(abort.get("httpStatus"))
    aborted = _share(abort, "percentage") if status or grpc else Fraction(0)
    if not delayed and not aborted:
        return None
    answer = f"HTTP {status}" if status else f"gRPC {grpc}"
    return Fault(wait if delayed else "", delayed, answer if aborted else "", aborted)


def mirrors(http: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Fraction]]:
    """Yield each destination that gets copies, and of which share of the calls (`MirrorPercent`)."""
    if http.get("mirror") is not None:
        share = _share(http, "mirrorPercentage", "mirrorPercent", Fraction(1))
        if share:
            yield mapping(http["mirror"]), share
    for policy in map(mapping, sequence(http.get("mirrors"))):
        share = _share(policy, "percentage", default=Fraction(1))
        if share and isinstance(policy.get("destination"), Mapping):
            yield policy["destination"], share


def rewrite(http: Mapping[str, Any], destination: Mapping[str, Any]) -> Rewrite | None:
    """Return the rewrite of a route with one destination; header operations on the authority count as one."""
    node = mapping(http.get("rewrite"))
    pattern = mapping(node.get("uriRegexRewrite"))
    authority = text(node.get("authority")) or _authority(http) or _authority(destination)
    uri = "" if pattern else text(node.get("uri"))
    found = Rewrite(uri, authority, text(pattern.get("match")), text(pattern.get("rewrite")))
    return None if found == Rewrite() else found


def _authority(node: Mapping[str, Any]) -> str:
    request = mapping(mapping(node.get("headers")).get("request"))
    given = [
        text(value)
        for verb in ("set", "add")
        for name, value in sorted(mapping(request.get(verb)).items())
        if name.lower() in {":authority", "host"}
    ]
    return given[0] if given else ""


def _share(node: Mapping[str, Any], key: str, whole: str = "", default: Fraction = Fraction(0)) -> Fraction:
    """Return a share; Envoy counts in millionths, rounded down, or in whole hundredths for the old fields."""
    if node.get(key) is not None:
        return min(Fraction(fraction(node[key])["numerator"], 1_000_000), Fraction(1))
    if whole and node.get(whole) is not None:
        return min(Fraction(number(node[whole]), 100), Fraction(1))
    return default


def _percent(share: Fraction) -> str:
    return f"{float(share * 100):g} %"
