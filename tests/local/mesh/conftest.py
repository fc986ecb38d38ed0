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
