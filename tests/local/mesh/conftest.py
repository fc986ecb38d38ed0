import shutil
import tempfile
from pathlib import Path

import pytest

from .lab import Lab


@pytest.fixture
def lab():
    # Not tmp_path: its long names would always take the socket to /tmp.
    found = Lab(Path(tempfile.mkdtemp(prefix="dubbopy-lab-")))
    yield found
    found.close()


@pytest.fixture
def desk(monkeypatch):
    """A lab that the command line works in too."""
    folder = Path(tempfile.mkdtemp(prefix="dubbopy-"))
    monkeypatch.setenv("DUBBOPY_STATE_DIR", str(folder))
    monkeypatch.chdir(folder)
    found = Lab(folder / "local")
    yield found
    found.close()
    shutil.rmtree(folder, ignore_errors=True)
