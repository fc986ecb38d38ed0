import os
import subprocess
import sys


def test_a_locale_without_the_drawn_lines_gets_question_marks_instead_of_a_fault(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "dubbopy_cli", "newApp", str(tmp_path / "shop"), "--dry-run"],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "??? go.mod" in done.stdout
