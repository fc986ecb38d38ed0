"""What all tests share."""

import signal

import pytest

# A shell that starts the tests in the background has them ignore Ctrl-C, and with them every program they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
# And `nohup` has them ignore the end of the terminal.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the trees in tests/golden anew")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Tell whether the goldens are to be written anew."""
    return bool(request.config.getoption("--update-golden"))
