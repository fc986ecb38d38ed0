"""The host in a URL as Go's `net/url` reads it, which takes more for a URL than Python does, and less."""

from __future__ import annotations

import re

from dubbopy_cli.traffic.hosts import is_address

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_USER = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_PORT = re.compile(r"(?::[0-9]*)?")
# In a host only bytes beyond ASCII and the percent sign can be escaped.
_HOST = re.compile(r"""(?:[A-Za-z0-9!"$&'()*+,\-.:;<=>_~]|[^\x00-\x7f]|%25|%[89A-Fa-f][0-9A-Fa-f])*""")


def host(url: str) -> str | None:
    """Return the host in a URL, an empty text where it has none, and None for what is no URL (`url.Parse`)."""
    whole, _, fragment = url.partition("#")
    if _CONTROL.search(whole) or whole.startswith(":") or _BAD_ESCAPE.search(fragment):
        return None
    found = _SCHEME.match(whole)
    scheme, rest = (found[1].lower(), whole[found.end() :]) if found else ("", whole)
    rest = rest.partition("?")[0]
    if not rest.startswith("/"):
        if scheme:
            return ""
        if ":" in rest.partition("/")[0]:
            return None
    name: str | None = ""
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        user, _, place = authority.rpartition("@")
        bad_user = not _USER.fullmatch(user) or _BAD_ESCAPE.search(user)
        name = None if bad_user else _name(place, scheme)
    return None if _BAD_ESCAPE.search(rest) else name


def _name(place: str, scheme: str) -> str | None:
    """Return a host without its port (`parseHost`)."""
    if "[" in place:
        inner, closed, port = place.rpartition("]")
        good = closed and inner.rfind("[") == 0 and _PORT.fullmatch(port) and ":" in inner
        return inner[1:] if good and is_address(inner[1:].replace("%25", "%", 1)) else None
    colon = place.find(":") if scheme in {"http", "https"} else place.rfind(":")
    if colon >= 0 and not _PORT.fullmatch(place[colon:]):
        return None
    return (place[:colon] if colon >= 0 else place) if _HOST.fullmatch(place) else None
