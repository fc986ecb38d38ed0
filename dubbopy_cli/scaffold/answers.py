"""Answers: gathered from flags, a file and ``--data``; completed and checked for the built-in templates."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dubbopy_cli import names
from dubbopy_cli.errors import UsageError
from dubbopy_cli.project import yaml_fault
from dubbopy_cli.scaffold import catalogue

# A Helm release's name, APP-VERSION: `helm.sh/helm/pkg/chart/common/util.ValidateReleaseName`.
RELEASE_MAX = 53


@dataclass(frozen=True)
class Given:
    """An answer that the user gave, and where: ``--port``, ``--data port``, ``answers.yaml: port``."""

    value: Any
    origin: str


@dataclass(frozen=True)
class Question:
    """A question of the built-in templates as it is declared in templates/common/copier.yml."""

    name: str
    help: str
    choices: tuple[str, ...] = ()


class Prompter(Protocol):
    """Ask a person."""

    def ask(self, question: str, default: str) -> str:
        """Return the person's answer, or an empty text for the default."""
        ...

    def complain(self, text: str) -> None:
        """Say why an answer is not accepted."""
        ...


def gather(flags: Mapping[str, object], data: Sequence[str], file: Path | None) -> dict[str, Given]:
    """Return the answers given by ``--data-file``, ``--data`` and flags, the later ones stronger.

    UsageError when the file cannot be read, ``--data`` is not K=V, or a flag and ``--data`` contradict each other.
    """
    given = _from_file(file) if file is not None else {}
    for item in data:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise UsageError("usage", f"--data {item}: not of the form NAME=VALUE", hint="--data tag=2.0.0")
        given[key] = Given(value, f"--data {key}")
    for key, flag in flags.items():
        if flag is None:
            continue
        option = "--" + key.replace("_", "-")
        if key in given and given[key].origin == f"--data {key}" and str(given[key].value) != str(flag):
            raise UsageError(
                "usage", f"{option} {flag} and --data {key}={given[key].value} contradict each other", hint="keep one"
            )
        given[key] = Given(flag, option)
    return given


def refuse_unknown(given: Mapping[str, Given], known: Sequence[str], template: str) -> None:
    """Raise UsageError for the first answer to a question that the template does not ask."""
    for key, answer in given.items():
        if key not in known:
            near = names.did_you_mean(key, list(known))
            raise UsageError(
                "answer-unknown",
                f"{answer.origin}: {template} has no question '{key}'.{near}"
                f" {'It asks for ' + ', '.join(sorted(known)) if known else 'It asks nothing'}",
                hint="correct it, or leave it out",
            )


def complete(
    given: Mapping[str, Given],
    questions: Sequence[Question],
    folder: Path,
    *,
    module: Callable[[Path], str] = lambda _: "",
    prompter: Prompter | None = None,
) -> dict[str, str | int]:
    """Return an answer to each of ``questions``, checked by the same rule wherever it comes from.

    What is not given is asked if there is a ``prompter``, else it is the default. ``module`` proposes a Go module
    path for a folder, or nothing.
    """
    refuse_unknown(given, [question.name for question in questions], "the template")
    answers: dict[str, str | int] = {}
    for question in questions:
        if question.name == "server" and answers["role"] == "server":
            if given.get("server") and given["server"].value != "":
                raise UsageError(
                    "answer-invalid",
                    f"{given['server'].origin}: only a client calls a server",
                    hint="--role client",
                )
            answers["server"] = ""
        elif question.name in given:
            answers[question.name] = _checked(question, given[question.name], answers)
        else:
            default = _default(question.name, answers, folder, module)
            if prompter is not None:
                answers[question.name] = _asked(question, default, answers, prompter)
            else:
                answers[question.name] = _checked(question, _by_default(question, default), answers)
    return answers


def questions() -> tuple[Question, ...]:
    """Read the questions of the built-in templates, those first on which the others' defaults depend."""
    from ruamel.yaml import YAML

    declared = YAML(typ="safe", pure=True).load((catalogue.root() / "common/copier.yml").read_text(encoding="utf-8"))
    found = {
        name: Question(name, str(entry["help"]), tuple(map(str, entry.get("choices", ()))))
        for name, entry in declared.items()
        if not name.startswith("_")
    }
    first = ("lang", "role")
    return tuple(found[name] for name in first) + tuple(one for name, one in found.items() if name not in first)


def _from_file(file: Path) -> dict[str, Given]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        document = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UsageError("usage", f"--data-file {file} cannot be read: {reason}", hint=f"ls -l {file}") from error
    except YAMLError as error:
        raise UsageError(
            "usage",
            f"--data-file {file} is not valid YAML: {yaml_fault(error)}",
            hint="write one `question: answer` a line",
        ) from error
    if not isinstance(document, Mapping):
        raise UsageError("usage", f"--data-file {file} holds no mapping", hint="write one `question: answer` a line")
    return {str(key): Given(value, f"{file}: {key}") for key, value in document.items()}


def _checked(question: Question, answer: Given, answers: Mapping[str, str | int]) -> str | int:
    if question.name != "port" and not isinstance(answer.value, str):
        # YAML has already lost what was typed: 1.10 is 1.1, 010 is 10 and no is false.
        raise UsageError(
            "answer-invalid",
            f"{answer.origin}: {answer.value!r} is not a text",
            hint=f'write it in quotes, such as {question.name}: "{answer.value}"',
        )
    if isinstance(answer.value, bool | float | list | Mapping) or answer.value is None:
        raise UsageError("answer-invalid", f"{answer.origin}: {answer.value!r} is not a number", hint="port: 20000")
    try:
        return _rule(question, answers)(str(answer.value))
    except UsageError as error:
        raise UsageError(error.code, f"{answer.origin}: {error.message}", hint=error.hint) from error


def _asked(question: Question, default: str, answers: Mapping[str, str | int], prompter: Prompter) -> str | int:
    choices = f" ({', '.join(question.choices)})" if question.choices else ""
    text = question.help if "{{" not in question.help else _MODULE_HELP[str(answers["lang"])]
    while True:
        try:
            return _rule(question, answers)(prompter.ask(f"{text}{choices}", default) or default)
        except UsageError as error:
            prompter.complain(error.message + (f"; {error.hint}" if error.hint else ""))


# The one help text that depends on an answer.
_MODULE_HELP = {"go": "Go module path", "python": "Name of the Python package"}


def _rule(question: Question, answers: Mapping[str, str | int]) -> Callable[[str], str | int]:
    if question.name == "mesh":
        return lambda value: _mesh(question, str(answers["lang"]), value)
    if question.choices:
        return lambda value: _choice(question, value)
    if question.name == "module":
        return _python_module if answers["lang"] == "python" else _go_module
    if question.name == "app_version":
        return lambda value: _version(str(answers["name"]), value)
    return _RULES[question.name]


_RULES: Mapping[str, Callable[[str], str | int]] = {
    "name": names.application,
    "server": names.application,
    "image": names.image,
    "tag": names.tag,
    "port": names.port,
}


def _default(name: str, answers: Mapping[str, str | int], folder: Path, module: Callable[[Path], str]) -> str:
    match name:
        case "name":
            return names.slug(folder.name)
        case "module" if answers["lang"] == "python":
            plain = str(answers["name"]).replace("-", "_")
            return plain if names.accepts(_python_module, plain) else f"{plain}_app"
        case "module":
            found = module(folder)
            plain = str(answers["name"])
            return found if names.accepts(_go_module, found) else plain if plain not in _GO_OWN else f"{plain}-app"
        case "image":
            return f"localhost:5000/{answers['name']}"
    return _PLAIN_DEFAULTS[name]


_PLAIN_DEFAULTS = {
    "lang": "go",
    "role": "server",
    "mesh": "sidecar",
    "app_version": "v1",
    "tag": "1.0.0",
    "port": "20000",
    "server": "dubbo-go-server",
}

# Module paths that the go command keeps for itself.
_GO_OWN = ("cmd", "std")
# Packages that a generated Python project imports, and its folder of tests.
_PYTHON_OWN = ("google", "grpc", "grpc_health", "grpc_reflection", "grpc_tools", "tests", "yaml")


def _by_default(question: Question, default: str) -> Given:
    if question.name == "name" and not default:
        raise UsageError(
            "answer-missing",
            "the folder's name gives no application name: it has no letter in it",
            hint="--name dubbo-go-server",
        )
    return Given(default, f"--{question.name.replace('_', '-')} by default")


def _choice(question: Question, value: str) -> str:
    if value in question.choices:
        return value
    raise UsageError(
        "answer-invalid",
        f"'{value}' is none of {', '.join(question.choices)}.{names.did_you_mean(value, list(question.choices))}",
        hint=f"--{question.name} {question.choices[0]}",
    )


def _mesh(question: Question, lang: str, value: str) -> str:
    if _choice(question, value) == catalogue.PROXYLESS and lang != "go":
        raise UsageError(
            "answer-invalid",
            f"'{value}' is for Go only: the program itself asks istiod, and grpcio has no Dubbo xds registry",
            hint="--mesh sidecar, or --lang go",
        )
    return value


def _version(name: str, value: str) -> str:
    names.version(value)
    if len(f"{name}-{value}") > RELEASE_MAX:
        raise UsageError(
            "name-invalid",
            f"the release {name}-{value} would be longer than the {RELEASE_MAX} characters that Helm allows",
            hint="a shorter --name or --app-version",
        )
    return value


def _go_module(value: str) -> str:
    names.go_module(value)
    if value.partition("/")[0] in _GO_OWN:
        raise UsageError(
            "name-invalid",
            f"'{value}' is not a valid Go module path: the go command keeps {' and '.join(_GO_OWN)} for itself",
            hint=f"--module {value}-app",
        )
    return value


def _python_module(value: str) -> str:
    names.python_module(value)
    owner = "the standard library" if value in sys.stdlib_module_names else "what the project itself uses"
    if value in sys.stdlib_module_names or value in _PYTHON_OWN:
        raise UsageError(
            "name-invalid",
            f"'{value}' is not a valid Python package name: {owner} has a module of that name",
            hint=f"--module {value}_app",
        )
    return value
