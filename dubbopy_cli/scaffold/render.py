"""Render a template with copier into a staging folder."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubbopy_cli.errors import UsageError
from dubbopy_cli.scaffold import guard
from dubbopy_cli.scaffold.faults import explained
from dubbopy_cli.scaffold.sources import Source

if TYPE_CHECKING:
    from copier._main import Worker

# What programs leave beside sources, never a part of a template; copier forgets them where `_subdirectory` is set.
_LITTER = ("__pycache__", "*.py[co]", ".git", ".DS_Store")


@dataclass(frozen=True)
class Rendered:
    """What a template was rendered with, and what copier had to say."""

    answers: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


def render(
    template: Source,
    tree: Path,
    data: Mapping[str, Any],
    *,
    inspect: Callable[[list[str]], Mapping[str, Any]] = lambda _: {},
    ask: bool = False,
) -> Rendered:
    """Render ``template`` into ``tree`` with the answers ``data``.

    ``inspect`` sees the names of the template's questions first and may return defaults that replace the template's.
    With ``ask`` copier asks on the terminal for what is not given. Raises DubbopyError or OSError; ``tree`` is then
    in no fit state.
    """
    from copier._main import Worker
    from copier._settings import SettingsModel

    with warnings.catch_warnings(record=True) as heard, explained(template):
        warnings.simplefilter("always")
        # The class behind copier.run_copy: only it shows a template's questions before it renders.
        # Empty settings, so that a user's copier configuration neither answers for them nor trusts for them.
        with Worker(
            src_path=template.url,
            dst_path=tree,
            vcs_ref=template.ref or None,
            data=dict(data),
            settings=SettingsModel(),
            exclude=_LITTER,
            defaults=not ask,
            overwrite=True,
            quiet=True,
            unsafe=template.trust,
        ) as worker:
            _open(worker, template)
            questions = worker.template.questions_data
            worker.user_defaults.update(inspect(list(questions)))
            # What a template's tasks and questions write must not mix with the data on stdout.
            with redirect_stdout(sys.stderr), _descriptor_to_stderr():
                worker.run_copy()
            answers = {
                key: value
                for key, value in worker.answers.combined.items()
                if key in questions and key not in worker.template.secret_questions
            }
    guard.clean(tree, trusted=template.trust)
    return Rendered(answers, tuple(str(one.message) for one in heard if "copier" in one.category.__module__))


def _open(worker: Worker, template: Source) -> None:
    """Fetch the template and refuse what it may not do."""
    with redirect_stderr(StringIO()):
        root = worker.template.local_abspath
        settings = worker.template.config_data
    if template.ref and worker.template.vcs is None:
        raise UsageError(
            "usage", f"{template.url} is a folder and no git repository: it has no refs", hint="leave --ref out"
        )
    guard.check_settings(template.url, settings, trusted=template.trust)
    guard.check_source(root)
    # Without this a name misspelt in a template turns into nothing, unseen.
    settings["envops"] = {"undefined": "jinja2.StrictUndefined", **settings.get("envops", {})}


@contextmanager
def _descriptor_to_stderr() -> Iterator[None]:
    """Send what child programs write on stdout to stderr."""
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
