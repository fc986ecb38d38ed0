import pytest


@pytest.fixture
def desk(tmp_path, monkeypatch):
    from tests.errortexts import Desk

    return Desk(tmp_path, monkeypatch)
