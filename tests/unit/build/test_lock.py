import threading

import pytest

from dubbopy_cli.build import lock
from dubbopy_cli.console import Console
from dubbopy_cli.errors import ConflictError
from dubbopy_cli.project import Project


@pytest.fixture
def shop(tmp_path):
    return Project(
        tmp_path, "builtin:go-server", "go", "server", "sidecar", "shop", "shop", "x/shop", "1.0.0", "v1", 20000, ()
    )


def test_the_second_command_waits_until_the_first_is_done(shop):
    order, waiting = [], threading.Event()

    def second():
        with lock.held(shop, lambda line: (order.append(line), waiting.set())):
            order.append("second")

    with lock.held(shop, order.append):
        other = threading.Thread(target=second)
        other.start()
        assert waiting.wait(30)
        order.append("first")
    other.join(30)
    assert order == [f"waiting for another command that builds in {shop.build_dir}", "first", "second"]
    assert list(shop.build_dir.iterdir()) == []


def test_the_wait_has_an_end(shop, capsys):
    with lock.held(shop, print), pytest.raises(ConflictError) as busy, lock.held(shop, lambda _: None, seconds=0.1):
        pass
    Console("build").error(busy.value)
    assert capsys.readouterr().err == (
        f"Error: another command has been building in {shop.build_dir} for more than 0.1 s\n\n"
        "Try: look for it with: ps -ef | grep dubbopy\n[busy]\n"
    )
