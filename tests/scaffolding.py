"""Small templates, and the command as a user runs it, for the tests of newApp and newDemo."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner, Result

ENVIRONMENT = {
    "NO_COLOR": "1",
    "COLUMNS": "100",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@example.com",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@example.com",
}
STRICT = "_subdirectory: project\n"


def write(root: Path, files: dict[str, str]) -> Path:
    """Write ``files`` below ``root``."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def contents(root: Path) -> dict[str, str]:
    """Return every file below ``root`` with its text, every link with its goal, an empty folder or a pipe as a dash."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_text()
        elif not path.is_dir() or not any(path.iterdir()):
            found[name] = "-"
    return found


def invoke(*words: str | Path) -> Result:
    """Run the command in this process."""
    from dubbopy_cli.cli import main, new  # noqa: F401 - registers the verbs

    return CliRunner().invoke(main.app, [str(word) for word in words], env={"CI": ""})


def argv(*words: str | Path) -> list[str]:
    """Return the command as a program of its own."""
    return [sys.executable, "-m", "dubbopy_cli", *map(str, words)]


def git(folder: Path, *words: str) -> str:
    """Run git in ``folder`` with an identity of its own."""
    done = subprocess.run(
        ["git", "-C", folder, *words], env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def repository(folder: Path, files: dict[str, str], tag: str = "") -> Path:
    """Commit ``files`` in a git repository at ``folder``, made if it is not there."""
    write(folder, files)
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", tag or "more")
    if tag:
        git(folder, "tag", tag)
    return folder


def wait_for(condition, seconds: float = 60) -> None:
    """Poll ``condition`` until it holds; fail when ``seconds`` are over."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "the condition did not come true"
        time.sleep(0.02)


def run(*words: str | Path, first: Callable[[], object] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command as a program of its own, which calls ``first`` before it starts."""
    return subprocess.run(
        argv(*words),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=first,
    )


def _take_terminal() -> None:
    # Without a controlling terminal Ctrl-C would be a character like any other.
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """The command on a terminal of its own, driven as a person would."""

    def __init__(self, *words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> None:
        self._master, slave = pty.openpty()
        environment = {key: value for key, value in os.environ.items() if key != "CI"}
        self.process = subprocess.Popen(
            argv(*words),
            cwd=cwd,
            env={**environment, **ENVIRONMENT, **(env or {})},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - no threads here
        )
        os.close(slave)
        self.text = ""
        self._seen = 0

    def expect(self, text: str, seconds: float = 60) -> None:
        """Read until ``text`` has come after what was expected before."""
        limit = time.monotonic() + seconds
        while text not in self.text[self._seen :]:
            assert time.monotonic() < limit, f"no {text!r} in {self.text!r}"
            assert self._read(limit - time.monotonic()), f"no {text!r} at the end of {self.text!r}"
        self._seen = self.text.index(text, self._seen) + len(text)

    def send(self, text: str) -> None:
        """Type ``text``."""
        os.write(self._master, text.encode())

    def end(self, seconds: float = 60) -> int:
        """Read to the end and return the exit code."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit and self._read(limit - time.monotonic()):
            pass
        code = self.process.wait(max(1, limit - time.monotonic()))
        os.close(self._master)
        return code

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], max(0, seconds))[0]:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the other end of a terminal that is closed
            return False
        self.text += re.sub(r"\r\n", "\n", data.decode())
        return bool(data)


def interrupt(process: subprocess.Popen[str], number: signal.Signals) -> int:
    """Send a signal and return the exit code."""
    process.send_signal(number)
    return process.wait(30)
