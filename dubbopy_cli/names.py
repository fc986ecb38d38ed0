"""The rules for names, versions, tags, images and ports: one rule for flags, files and prompts."""

from __future__ import annotations

import re
from collections.abc import Callable
from keyword import iskeyword

from dubbopy_cli.errors import UsageError

# RFC 1123 label, as `k8s.io/apimachinery/pkg/util/validation.IsDNS1123Label`.
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
# A Service's name starts with a letter: `validation.IsDNS1035Label`.
_SERVICE = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
# `distribution/reference` tag and repository grammar.
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_IMAGE = re.compile(rf"(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*")
# `golang.org/x/mod/module.CheckPath`, less its rarer corners.
_GO_MODULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")

APPLICATION_MAX = 50
VERSION_MAX = 12


def application(value: str) -> str:
    """Return ``value`` if it can name an application, that is a Service and the start of a release's name."""
    if len(value) <= APPLICATION_MAX and _SERVICE.fullmatch(value):
        return value
    raise _invalid(
        "application name",
        value,
        f"lower-case letters, digits and '-', starting with a letter, at most {APPLICATION_MAX} characters",
        slug(value) or "shop",
    )


def version(value: str) -> str:
    """Return ``value`` if it can name a version: a subset, a label value and the end of a release's name."""
    if len(value) <= VERSION_MAX and _LABEL.fullmatch(value):
        return value
    raise _invalid(
        "version",
        value,
        f"lower-case letters, digits and '-', at most {VERSION_MAX} characters",
        _label(value)[:VERSION_MAX].strip("-") or "v1",
    )


def namespace(value: str) -> str:
    """Return ``value`` if it can name a namespace."""
    if len(value) <= 63 and _LABEL.fullmatch(value):
        return value
    raise _invalid(
        "namespace",
        value,
        "lower-case letters, digits and '-', at most 63 characters",
        _label(value)[:63].strip("-") or "default",
    )


def tag(value: str) -> str:
    """Return ``value`` if it is an image tag."""
    if _TAG.fullmatch(value):
        return value
    raise _invalid("tag", value, "letters, digits, '_', '.' and '-', at most 128 characters", "1.0.0")


def image(value: str) -> str:
    """Return ``value`` if it is an image repository without a tag or digest."""
    if len(value) <= 255 and _IMAGE.fullmatch(value):
        return value
    near = value.partition(":")[0].lower()
    raise _invalid(
        "image repository",
        value,
        "[HOST[:PORT]/]PATH in lower case, without a tag",
        near if _IMAGE.fullmatch(near) else "localhost:5000/shop",
    )


def port(value: str | int) -> int:
    """Return ``value`` as a TCP port number, 1 to 65535."""
    text = str(value)
    if re.fullmatch(r"[0-9]{1,5}", text) and 1 <= int(text) <= 65535:
        return int(text)
    raise _invalid("port", text, "a number from 1 to 65535", "20000")


def go_module(value: str) -> str:
    """Return ``value`` if it is a Go module path (`golang.org/x/mod/module`)."""
    if _GO_MODULE.fullmatch(value) and not any(part.endswith(".") for part in value.split("/")):
        return value
    raise _invalid("Go module path", value, "elements of letters, digits, '.', '-', '_' and '~'", "example.com/shop")


def python_module(value: str) -> str:
    """Return ``value`` if it is a Python package's import name in lower case."""
    if _IDENTIFIER.fullmatch(value) and not iskeyword(value):
        return value
    raise _invalid(
        "Python package name",
        value,
        "lower-case letters, digits and '_', no keyword",
        _near_module(value),
    )


def slug(value: str) -> str:
    """Return the application name nearest to ``value``, or an empty text if nothing is left of it."""
    return re.sub(r"^[0-9-]+", "", _label(value))[:APPLICATION_MAX].strip("-")


def did_you_mean(value: str, known: list[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest known word, or an empty text."""
    from difflib import get_close_matches

    near = get_close_matches(value, known, n=1)
    return f" Did you mean '{near[0]}'?" if near else ""


def accepts(rule: Callable[[str], object], value: str) -> bool:
    """Tell whether ``rule`` accepts ``value``."""
    try:
        rule(value)
    except UsageError:
        return False
    return True


def _label(value: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")


def _near_module(value: str) -> str:
    near = re.sub(r"[^a-z0-9_]+", "_", value.lower()).strip("_").lstrip("0123456789")
    return f"{near}_app" if iskeyword(near) else near or "shop"


def _invalid(what: str, value: str, rule: str, near: str) -> UsageError:
    return UsageError("name-invalid", f"'{value}' is not a valid {what}: {rule}", hint=f"for example '{near}'")


def in_namespace(namespace: str) -> str:
    """Return the option that names the namespace, behind a space; an empty text for the default one."""
    return f" --namespace {namespace}" if namespace != "default" else ""
