"""What the usual failures of a build mean, in one line."""

from __future__ import annotations

import re

_MEANINGS: tuple[tuple[str, str], ...] = (
    (
        r"checksum mismatch|SECURITY ERROR",
        "a module's content is not what go.sum says: run `go clean -modcache`, and if it stays, ask who changed go.sum",
    ),
    (
        r"missing go\.sum entry|updates to go\.mod needed",
        "go.mod and go.sum are behind the imports: run `go mod tidy`",
    ),
    (
        r"go\.mod requires go >= |requires go >= \S+ \(running|toolchain not available",
        "the Go toolchain is too old for go.mod: pip install 'dubbopy-cli[go]'",
    ),
    (
        r"proxy\.golang\.org.*(?:dial|timeout|refused|no such host)|GOPROXY list is not the empty string"
        r"|module lookup disabled by GOPROXY=off|dial tcp.*(?:lookup|i/o timeout|connection refused)",
        "the module proxy cannot be reached: set one that you can: `go env -w GOPROXY=URL,direct`",
    ),
    (r"no space left on device", "the disk is full: `go clean -cache` frees the build cache"),
    (
        r"(?:No solution found|No matching distribution|Could not find a version)",
        "the package index has no version that fits: look at pyproject.toml's dependencies and at the index you use",
    ),
    (
        r"(?:Failed to fetch|Connection refused|ConnectionError|Temporary failure in name resolution|dns error)",
        "the package index cannot be reached: set one that you can, in UV_INDEX_URL or PIP_INDEX_URL",
    ),
    (
        r"(?:requires a different Python|does not satisfy Python|requires-python)",
        "this Python does not fit pyproject.toml's requires-python: run dubbopy-cli with another one",
    ),
    (r"syntax error|undefined: |cannot use |SyntaxError", "the compiler's first line above says file and line"),
)


def meaning(output: str) -> str:
    """Return one line that says what a failed build's output means, or an empty text."""
    return next((text for pattern, text in _MEANINGS if re.search(pattern, output)), "")
