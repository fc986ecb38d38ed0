"""Ctrl-C, SIGTERM and kill -9 in the middle of newApp: nothing is left, or the next command sweeps it."""

import os
import signal
import subprocess

import pytest

from dubbopy_cli.scaffold.interrupts import held, interruptible
from dubbopy_cli.scaffold.staging import PREFIX
from tests.scaffolding import argv, contents, interrupt, invoke, wait_for, write


@pytest.fixture
def slow(tmp_path):
    """Return a template whose task says that it runs, and then waits."""
    marker = tmp_path / "started"
    task = f"_tasks: ['touch {marker}; exec sleep 60']\n"
    return write(tmp_path / "template", {"copier.yml": task, "x": "1"}), marker


def start(tmp_path, slow, target):
    process = subprocess.Popen(
        argv("newApp", target, "--template", slow[0], "--trust"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    running(process, slow)
    return process


def running(process, slow):
    wait_for(lambda: slow[1].exists() or process.poll() is not None)
    assert process.poll() is None, process.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("place", ["new/deep/app", "there"])
def test_a_signal_leaves_nothing(tmp_path, slow, number, place):
    work = tmp_path / "work"
    (work / "there").mkdir(parents=True)
    write(work / "there", {"own": "1"})
    process = start(tmp_path, slow, work / place)
    assert list(work.rglob(PREFIX + "*/*/x")), "it was not rendering yet"
    assert interrupt(process, number) == 130
    assert (
        process.stderr.read() == "Error: interrupted\n\nTry: the same command again goes on from here\n[interrupted]\n"
    )
    assert process.stdout.read() == ""
    assert contents(work) == {"there/own": "1"}


def test_nohup_is_respected(tmp_path, slow):
    (tmp_path / "work").mkdir()
    command = [
        "sh",
        "-c",
        'trap "" HUP; exec "$@"',
        "sh",
        *argv("newApp", tmp_path / "work/p", "--template", slow[0], "--trust"),
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    running(process, slow)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    assert process.poll() is None
    assert interrupt(process, signal.SIGTERM) == 130


def test_after_kill_9_the_next_command_sweeps_and_goes_on(tmp_path, slow):
    work = tmp_path / "work"
    work.mkdir()
    process = start(tmp_path, slow, work / "p")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (left,) = work.glob(PREFIX + "*")
    os.utime(left, (0, 0))
    write(slow[0], {"copier.yml": ""})
    assert invoke("newApp", work / "p", "--template", slow[0]).exit_code == 0
    assert contents(work) == {"p/x": "1"}


@pytest.mark.parametrize("place", ["new/app", "there"])
def test_of_two_commands_at_once_one_wins_and_the_other_says_so(tmp_path, place):
    (tmp_path / "work/there").mkdir(parents=True)
    # Each waits for the other, so that both find the folder as it was.
    wait = "n=0; until [ -e {other} ] || [ $n = 600 ]; do sleep 0.1; n=$((n+1)); done"
    processes = []
    for mine, other in (("a", "b"), ("b", "a")):
        task = f"touch {tmp_path / mine}; {wait.format(other=tmp_path / other)}"
        template = write(tmp_path / f"template-{mine}", {"copier.yml": f"_tasks: ['{task}']\n", "x": mine, "y": mine})
        command = argv("newApp", tmp_path / "work" / place, "--template", template, "--trust")
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    said = [process.communicate(timeout=90)[1] for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 6], said
    loser = next(text for process, text in zip(processes, said, strict=True) if process.returncode)
    assert "[path-conflict]" in loser
    winner = "ab"[[process.returncode for process in processes].index(0)]
    left = {name: text for name, text in contents(tmp_path / "work").items() if text != "-"}
    assert left == {f"{place}/x": winner, f"{place}/y": winner}


def test_held_signals_are_seen_where_the_block_asks():
    with held() as hold:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            hold.check()


def test_handlers_are_put_back():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with interruptible(), held():
        pass
    assert {number: signal.getsignal(number) for number in before} == before
