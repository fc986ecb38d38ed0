"""Programs that run at the same time, and what becomes of them when nobody waits any more."""

import sys
import threading

import pytest

from dubbopy_cli.atonce import at_once
from dubbopy_cli.process import SubprocessRunner
from tests.programs import eventually

RUNNER = SubprocessRunner()


def ran(code, *words):
    return RUNNER.run([sys.executable, "-c", code, *map(str, words)], timeout=600, check=False)


def test_programs_run_at_the_same_time(tmp_path):
    # Each ends when the other one has begun.
    code = (
        "import pathlib, sys, time\n"
        "own, other = map(pathlib.Path, sys.argv[1:])\n"
        "own.touch()\n"
        "while not other.exists(): time.sleep(0.01)\n"
    )
    one, two = tmp_path / "one", tmp_path / "two"
    with at_once() as pool:
        first, second = pool.submit(ran, code, one, two), pool.submit(ran, code, two, one)
        assert (first.result().returncode, second.result().returncode) == (0, 0)


def test_an_interrupt_ends_every_program_and_lets_no_task_start_another(tmp_path):
    started = [tmp_path / "a", tmp_path / "b"]
    codes = []

    def task(file):
        sleeping = "import pathlib, sys, time\npathlib.Path(sys.argv[1]).touch()\ntime.sleep(600)"
        codes.append(ran(sleeping, file).returncode)
        codes.append(ran("import time; time.sleep(600)").returncode)

    def interrupted():
        with at_once() as pool:
            for file in started:
                pool.submit(task, file)
            eventually(lambda: all(one.exists() for one in started), "both programs run")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert codes == [-15] * 4


def test_a_task_that_fails_ends_no_other():
    go, codes = threading.Event(), []

    def fails():
        raise ValueError("no luck")

    def task():
        go.wait(60)
        codes.append(ran("").returncode)

    def failed():
        with at_once() as pool:
            pool.submit(task)
            try:
                pool.submit(fails).result()
            finally:
                go.set()

    with pytest.raises(ValueError, match="no luck"):
        failed()
    assert codes == [0]
