"""Paths as a sidecar has made them plain before any rule sees them (Istio's normalization BASE, its default)."""

from __future__ import annotations

import re

# Found by asking Envoy with ``normalize_path``; what is not here it leaves as it is.
_UNRESERVED = re.compile(r"%(2[DdEe]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])")
_ESCAPED = re.compile(r"[^\x21\x23-\x3b\x3d\x3f-\x5d\x5f\x61-\x7a\x7e]")
_PLAIN = re.compile(r"(?:/(?!\.)[A-Za-z0-9._~!$&'()*+,;=:@-]*)+")


def normalized(path: str) -> str:
    """Return a path, without its query, as it is after normalization: letters and digits decoded, dots resolved."""
    if _PLAIN.fullmatch(path):
        return path
    decoded = _UNRESERVED.sub(lambda found: chr(int(found[1], 16)), path).replace("\\", "/")
    decoded = _ESCAPED.sub(lambda found: "".join(f"%{one:02X}" for one in found[0].encode()), decoded)
    kept: list[str] = []
    segments = decoded.split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)
