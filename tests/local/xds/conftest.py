import pytest

from tests.envoymesh import Mesh


@pytest.fixture(scope="module")
def mesh(tmp_path_factory):
    """Two versions behind one Envoy, shared by the tests of a module; each begins by applying its own rules."""
    one = Mesh(tmp_path_factory.mktemp("mesh"), ("v1", "v2"))
    yield one
    one.close()
