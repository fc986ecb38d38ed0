"""Taking the steps of a shift, watching each of them, and going back when something speaks against it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from dubbopy_cli.errors import ConflictError, DubbopyError, RolloutError, UnreachableError
from dubbopy_cli.scaffold.interrupts import held
from dubbopy_cli.traffic import edit
from dubbopy_cli.traffic.counters import Counters, Interval, between, total
from dubbopy_cli.traffic.shift.conditions import Judgement, decide, judge
from dubbopy_cli.traffic.shift.record import Progress, dumps
from dubbopy_cli.traffic.shift.story import Sample, Stage, Story

if TYPE_CHECKING:
    from dubbopy_cli.targets.base import Application, ShiftRecord, Target
    from dubbopy_cli.traffic.model import RuleSet

_TICK_SECONDS = 1.0
BACK = "the former rules are back"


class Run:
    """One run of a shift on a target; ``story`` grows as it goes on."""

    def __init__(self, target: Target, application: Application, progress: Progress, record: ShiftRecord) -> None:
        self._target = target
        self._application = application
        self._progress = progress
        self._record = record
        self._began = time.monotonic()
        self._samples: list[Sample] = []
        self._stages: list[Stage] = []
        self._started = time.time()

    @property
    def story(self) -> Story:
        """Return what has happened so far."""
        return Story(self._progress.shift, self._started, stages=tuple(self._stages), samples=tuple(self._samples))

    @property
    def command(self) -> str:
        """Return the line that began the shift."""
        return self._progress.origin.command

    @property
    def percent(self) -> int:
        """Return the percentage of the step that it is at."""
        return self._progress.percent

    def go(self) -> Iterator[Stage]:
        """Take the steps that are left; yields the step it is at whenever it was looked at.

        Raises RolloutError ``shift-aborted`` when the shift must not go on, ConflictError ``rules-refused`` when
        somebody else has changed the rules meanwhile. Neither has put anything back yet.
        """
        for step in range(self._progress.step, len(self._progress.shift.moves)):
            self._take(step)
            yield from self._watch(step)
        self._record.write("")

    def back(self) -> None:
        """Put the former rules back, whatever signal arrives meanwhile; ConflictError as in ``go``."""
        with held(), self._target.exclusive():
            now = self._target.rules()
            self._look(now, going_back=True)
            self._target.apply_rules(self._progress.former(now)).apply()
            self._record.write("")

    def leave(self) -> None:
        """Forget the shift and leave the rules as they are."""
        self._record.write("")

    def _take(self, step: int) -> None:
        move = self._progress.shift.moves[step]
        # Between the record and the rules nothing may end it but what ends everything.
        with held() as signals, self._target.exclusive():
            now = self._target.rules()
            self._look(now)
            known = [one.version for one in self._application.releases]
            wanted = edit.set_weights(now, self._application.service, move.weights, known)
            self._progress = self._progress.at(step, now, wanted)
            self._record.write(dumps(self._progress))
            self._target.apply_rules(wanted).apply()
        signals.check()

    def _look(self, now: RuleSet, *, going_back: bool = False) -> None:
        """Raise if somebody else has changed the rules; what was cut off, or is to go back, may be half-way."""
        lenient = going_back or not self._stages
        foreign = self._progress.foreign(now) if lenient else self._progress.moved(now)
        if foreign:
            raise ConflictError(
                "rules-refused",
                f"{foreign} is not as the shift left it: somebody else has changed it, so the shift ends at"
                f" {self.percent} % and the rules stay as they are now",
                hint=f"dubbopy-cli traffic history {self._application.service.options}",
            )

    def _watch(self, step: int) -> Iterator[Stage]:
        shift = self._progress.shift
        began = time.monotonic()
        before = self._read()
        whole = Interval(0)
        self._stages.append(Stage(shift.moves[step], began - self._began, whole, Judgement("ok")))
        while True:
            yield self._stages[-1]
            time.sleep(min(_TICK_SECONDS, shift.interval / 5))
            self._look(self._target.rules())
            after = self._read()
            piece = between(before, after)
            if piece.lost:
                raise self._stop("what was counted is lost: the proxy that counts was started again")
            before, whole = after, total([whole, piece])
            judgement = judge(shift.conditions, whole.of(shift.to), shift.minimum)
            self._samples.append(Sample(time.monotonic() - self._began, self.percent, piece))
            self._stages[-1] = Stage(shift.moves[step], began - self._began, whole, judgement)
            decision = decide(judgement, time.monotonic() - began, shift.interval, shift.patience)
            if decision == "abort":
                raise self._refused(judgement, whole)
            if decision == "next":
                self._stages[-1] = replace(self._stages[-1], over=True)
                yield self._stages[-1]
                return

    def _read(self) -> Counters:
        try:
            return self._target.counters(self._application.name)
        except UnreachableError as missing:
            raise self._stop(missing.message) from missing

    def _refused(self, judgement: Judgement, whole: Interval) -> DubbopyError:
        to = self._progress.shift.to
        counts, found = whole.of(to), judgement.condition
        if found is not None and judgement.state == "breach":
            return self._stop(f"{found.text}: {found.told(counts, to)}")
        waited = f"{whole.seconds:.0f} s"
        return self._stop(
            f"only {counts.calls} calls of {to} came in {waited}, and it takes {judgement.needed} to judge",
            "more calls, a longer --patience, or fewer that are enough: --min-calls N",
        )

    def _stop(self, why: str, hint: str = "") -> DubbopyError:
        to, options = self._progress.shift.to, self._application.service.options
        return RolloutError(
            "shift-aborted",
            f"the shift to {to} was stopped at {self.percent} %: {why}",
            hint=hint or f"dubbopy-cli logs {to} {options} --since 5m",
        )
