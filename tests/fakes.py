"""Stand-ins for what cannot run in a test; strict both ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dubbopy_cli.process import CommandError, Completed, Stream, SubprocessRunner


@dataclass
class Answer:
    """What a program answers to an argv that starts with ``words``."""

    words: tuple[str, ...]
    stdout: str = ""
    stderr: str = ""
    returncode: int = 0
    used: int = 0


@dataclass
class FakeRunner:
    """Answer known programs; an unknown call fails at once, an unused answer fails in ``done``."""

    answers: list[Answer] = field(default_factory=list)
    calls: list[tuple[str, ...]] = field(default_factory=list)

    def expect(self, *words: str, stdout: str = "", stderr: str = "", returncode: int = 0) -> None:
        self.answers.append(Answer(words, stdout, stderr, returncode))

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        check: bool = True,
    ) -> Completed:
        answer = self._answer(argv)
        done = Completed(tuple(argv), answer.returncode, answer.stdout, answer.stderr)
        if check and not done.ok:
            raise CommandError(done)
        return done

    def stream(self, argv: Sequence[str]) -> Stream:
        answer = self._answer(argv)
        return SubprocessRunner().stream(
            ["sh", "-c", 'printf %s "$1"; exit "$2"', "sh", answer.stdout, str(answer.returncode)]
        )

    def _answer(self, argv: Sequence[str]) -> Answer:
        self.calls.append(tuple(argv))
        for answer in self.answers:
            if tuple(argv[: len(answer.words)]) == answer.words:
                answer.used += 1
                return answer
        raise AssertionError(f"no answer is prepared for {list(argv)}")

    def done(self) -> None:
        unused = [answer.words for answer in self.answers if not answer.used]
        assert not unused, f"prepared but never asked: {unused}"
