import os
import sys

import pytest

from dubbopy_cli.errors import DubbopyError, PreflightError
from dubbopy_cli.process import CommandError, SubprocessRunner, needed, ready, shown
from tests.programs import eventually


def test_output_and_status_come_back(tmp_path):
    code = "import os,sys; print(os.getcwd(), os.environ['A'], sys.stdin.read()); print('e', file=sys.stderr)"
    done = SubprocessRunner().run([sys.executable, "-c", code], cwd=tmp_path, env={"A": "1"}, stdin="in", timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == (f"{tmp_path} 1 in\n", "e\n", 0)


def test_a_failure_carries_the_programs_own_words():
    with pytest.raises(CommandError) as failed:
        SubprocessRunner().run([sys.executable, "-c", "import sys; sys.exit('no luck')"], timeout=60)
    assert failed.value.details == "no luck"
    assert failed.value.message.endswith("ended with exit status 1")
    assert (
        SubprocessRunner().run([sys.executable, "-c", "raise SystemExit(3)"], timeout=60, check=False).returncode == 3
    )


def _ended(pid):
    import psutil

    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_timeout_ends_the_program_and_what_it_started(tmp_path):
    pid_file = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pid_file)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)"
    )
    with pytest.raises(DubbopyError) as late:
        SubprocessRunner().run([sys.executable, "-c", code], timeout=3)
    assert late.value.code == "tool-timeout"
    child = int(pid_file.read_text())
    # It got its signal; a busy machine lets it live a moment longer.
    eventually(lambda: _ended(child), "what the program started has ended too")


def test_a_missing_program_is_a_preflight_error():
    with pytest.raises(PreflightError) as missing:
        SubprocessRunner().run(["no-such-program-here"], timeout=1)
    assert missing.value.message == "`no-such-program-here` cannot be started: No such file or directory"
    assert missing.value.code == "tool-missing"


def test_an_override_names_another_program(monkeypatch, tmp_path):
    program = tmp_path / "helm4"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("DUBBOPY_HELM", str(program))
    assert needed("helm", "DUBBOPY_HELM", "Helm") == program


def test_every_command_is_traced_as_a_shell_line():
    lines: list[str] = []
    SubprocessRunner(lines.append).run(["echo", "a b"], timeout=60)
    assert lines == [shown(["echo", "a b"])] == ["echo 'a b'"]


def test_nothing_of_the_terminal_reaches_the_program():
    done = SubprocessRunner().run([sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"], timeout=60)
    assert done.stdout == "''\n"
    assert os.getpgid(0)


def first(stream):
    """Return the first line, which may come in pieces."""
    found = []
    while not found:
        assert ready([stream], 60) == [stream]
        found = stream.lines()
    (line,) = found
    return line


def came(stream):
    """Return all that a program writes until it ends."""
    found = []
    while not stream.ended:
        assert ready([stream], 60) == [stream]
        found += stream.lines()
    return found


def test_lines_come_as_a_program_writes_them(tmp_path):
    code = (
        "import sys, time, pathlib\n"
        "print('one', flush=True); sys.stdout.write('ha'); sys.stdout.flush()\n"
        f"while not pathlib.Path({str(tmp_path / 'go')!r}).exists(): time.sleep(0.01)\n"
        "print('x' * 100000, file=sys.stderr)\n"
        "sys.stdout.write('lf\\r\\nl\\xe9st')"
    )
    stream = SubprocessRunner().stream([sys.executable, "-c", code])
    assert first(stream) == "one"
    (tmp_path / "go").touch()
    assert came(stream) == ["half", "l\xe9st"]
    stream.close()


def test_a_stream_ends_with_whoever_holds_it():
    import psutil

    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    for end in (lambda stream: stream.close(), lambda stream: None):
        stream = SubprocessRunner().stream([sys.executable, "-c", code])
        pid = int(first(stream))
        end(stream)
        del stream
        assert not psutil.pid_exists(pid)


def test_more_time_than_the_system_can_wait_is_no_fault():
    assert SubprocessRunner().run([sys.executable, "-c", "print(1)"], timeout=5_000_060).stdout == "1\n"
