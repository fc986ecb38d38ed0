"""Whatever a template can make copier raise, as an error that a user can act on."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from dubbopy_cli.errors import DubbopyError, UnreachableError, UsageError
from dubbopy_cli.scaffold.guard import unsafe
from dubbopy_cli.scaffold.sources import Source


@contextmanager
def explained(template: Source) -> Iterator[None]:
    """Turn the block's exceptions into DubbopyErrors, but for OSError and an interrupt."""
    try:
        yield
    except (DubbopyError, KeyboardInterrupt):  # copier's interrupt at a question is an Exception too
        raise
    except Exception as error:  # copier lets any exception of a template through
        # Jinja's and plumbum's errors are OSErrors by their class alone: the system gives a number.
        if isinstance(error, OSError) and isinstance(error.errno, int):
            raise
        raise _by_type(error, template) or _by_text(error, template) or _invalid(error, template) from error


def _of_git(error: Exception) -> bool:
    from plumbum import ProcessExecutionError

    return isinstance(error, ProcessExecutionError)


def _by_type(error: Exception, template: Source) -> DubbopyError | None:
    from copier.errors import ForbiddenPathError, InteractiveSessionError, TaskError

    if isinstance(error, ForbiddenPathError):
        return unsafe(str(error).split(" is forbidden")[0].strip('"'), "leads out of the project or of the template")
    if isinstance(error, InteractiveSessionError):
        return UsageError("answer-missing", "the terminal was closed at a question", hint="--data NAME=VALUE")
    if isinstance(error, TaskError):
        return DubbopyError(
            "template-invalid",
            f"a task of the template {template.url} failed with exit status {error.returncode}: {error.cmd}",
            hint="mend the template, or ask its author; nothing was written",
        )
    return _by_git(error, template) if _of_git(error) else None


def _by_git(error: Exception, template: Source) -> DubbopyError:
    said = str(getattr(error, "stderr", "")).strip()
    if "invalid reference" in said:
        return _no_ref(template)
    return UnreachableError(
        "template-unreachable",
        f"git cannot fetch the template {template.url}",
        hint=f"git ls-remote {template.git_url}",
        details="\n".join(filter(None, said.splitlines()[-5:])),
    )


def _by_text(error: Exception, template: Source) -> DubbopyError | None:
    """Tell copier's plain ValueErrors apart; their text is all there is."""
    text = str(error)
    if found := re.fullmatch(r'Question "(.+)" is required', text):
        return UsageError(
            "answer-missing",
            f"the template {template.url} asks for '{found[1]}' and has no default for it",
            hint=f"--data {found[1]}=VALUE, or --interactive",
        )
    if found := re.match(r"(?:Validation error for question|Invalid choice for) '(.+?)': ?(.*)", text, re.DOTALL):
        return UsageError(
            "answer-invalid",
            f"'{found[1]}' is refused by the template: {_line(found[2])}",
            hint=f"--data {found[1]}=VALUE",
        )
    if text.startswith("Unknown revision"):
        return _no_ref(template)
    return None


def _no_ref(template: Source) -> DubbopyError:
    return UsageError(
        "template-not-found",
        f"the template {template.url} has no tag, branch or commit '{template.ref}'",
        hint=f"git ls-remote {template.git_url}",
    )


def _invalid(error: Exception, template: Source) -> DubbopyError:
    from copier.errors import InvalidConfigFileError, MultipleConfigFilesError
    from jinja2 import TemplateNotFound

    if isinstance(error, TemplateNotFound):
        return _unfit(template, f"it includes '{error.name}', which is not in it")
    if isinstance(error, InvalidConfigFileError):
        return _unfit(template, f"its copier.yml is not valid YAML: {_line(str(error.__context__ or error))}")
    if isinstance(error, MultipleConfigFilesError):
        return _unfit(template, "it has more than one copier.yml or copier.yaml")
    return _unfit(template, (_line(str(error)) or type(error).__name__) + _where(error, template))


def _unfit(template: Source, why: str) -> DubbopyError:
    return DubbopyError(
        "template-invalid",
        f"the template {template.url} cannot be rendered: {why}",
        hint="mend the template, or ask its author; nothing was written",
    )


def _where(error: Exception, template: Source) -> str:
    """Return the template's file and line that an error came from, as far as Jinja tells."""
    name, line = getattr(error, "name", None), getattr(error, "lineno", None)
    if name and line:
        return f" ({name}, line {line})"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.startswith(template.url):
            return f" ({frame.filename.removeprefix(template.url).lstrip('/')}, line {frame.lineno})"
    return ""


def _line(text: str) -> str:
    return " ".join(text.split())
