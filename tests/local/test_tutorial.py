"""The tutorial as `make demo` plays it: real compilers, real programs, a real Envoy."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "docs/tutorial/demo.py"

CHECKS = [
    "20 of 20 calls answered by v1",
    'the client logs call server response = name:"Hello laurence" id:"v1.0.0"',
    r"no rules: both versions answer, \{'v1': \d+, 'v2': \d+\}",
    "the client sees both versions",
    "the next 200 calls: v1 only",
    "200 admin calls: v2 only; 200 others: v1 only",
    "the client sees v2",
    "200 admin calls: v2 only; 200 others: v1 only",
    "a version that gets calls is not removed",
    "100 calls answered by v2",
    r"nothing is left running: \d+ processes gone, \d+ ports closed",
]


@pytest.mark.parametrize("lang", ["go", "python"])
def test_the_whole_tutorial(lang):
    done = subprocess.run(
        [sys.executable, str(DEMO), "--lang", lang], capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    held = re.findall(r"^  ok: (.*)$", done.stdout, re.MULTILINE)
    assert len(held) == len(CHECKS)
    for check, wanted in zip(held, CHECKS, strict=True):
        assert check == wanted or re.fullmatch(wanted, check), (check, wanted)
    assert re.search(r"pass: 10000 calls fit the expected shares \(confidence 0\.999\)", done.stdout)
    assert "Traceback" not in done.stdout + done.stderr
