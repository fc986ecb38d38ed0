from pathlib import Path

import pytest

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.scaffold.stubs.make import make
from dubbopy_cli.scaffold.stubs.model import Made
from tests.fakes import FakeRunner


class FakeMaker:
    def __init__(self, root, files, initial=None):
        self.folder = root / "api"
        self.made = Made(files, ("api/a.proto:1:1: warning: W",), initial or {})

    def make(self, protoc, protos, staging):
        assert protos == ("api/a.proto",)
        assert staging.is_dir()
        return self.made

    def owns(self, path):
        return path.suffix == ".go" and path.read_bytes().startswith(b"made")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "api").mkdir()
    (tmp_path / "api/a.proto").write_text("")
    return tmp_path


def run(root, files, initial=None):
    return make(root, FakeMaker(root, files, initial), FakeRunner())


def states(stubs):
    return {file.path: file.state for file in stubs.files}


def test_only_what_differs_is_written(root):
    (root / "api/same.go").write_bytes(b"made 1")
    (root / "api/old.go").write_bytes(b"made 1")
    stubs = run(root, {"api/same.go": b"made 1", "api/old.go": b"made 2", "api/v1/new.go": b"made 3"})
    assert states(stubs) == {"api/old.go": "updated", "api/same.go": "unchanged", "api/v1/new.go": "created"}
    assert not stubs.fresh
    before = (root / "api/same.go").stat()
    assert not (root / "api/v1").exists()
    stubs.write()
    assert (root / "api/old.go").read_bytes() == b"made 2"
    assert (root / "api/v1/new.go").read_bytes() == b"made 3"
    assert (root / "api/same.go").stat() == before
    again = run(root, {"api/same.go": b"made 1", "api/old.go": b"made 2", "api/v1/new.go": b"made 3"})
    assert again.fresh
    assert again.to_dict() == {
        "files": [{"path": path, "state": "unchanged"} for path in ("api/old.go", "api/same.go", "api/v1/new.go")],
        "orphans": [],
    }
    assert again.warnings == ("api/a.proto:1:1: warning: W",)


def test_a_stub_whose_proto_is_gone_is_named_and_left(root):
    (root / "api/gone.go").write_bytes(b"made 1")
    (root / "api/mine.go").write_bytes(b"by hand")
    stubs = run(root, {"api/new.go": b"made 1"})
    stubs.write()
    assert stubs.orphans == ("api/gone.go",)
    assert (root / "api/gone.go").exists()
    assert not run(root, {"api/new.go": b"made 1"}).fresh


def test_a_file_written_by_hand_is_not_overwritten(root):
    (root / "api/new.go").write_bytes(b"by hand")
    with pytest.raises(ConflictError) as refused:
        run(root, {"api/new.go": b"made 1"})
    path = root / "api/new.go"
    assert refused.value.code == "stubs-foreign"
    assert refused.value.message == f"{path} is in the way of a stub of the same name, and was not generated"
    assert refused.value.hint == f"mv {path} {path}.mine, then: dubbopy-cli generate"
    assert path.read_bytes() == b"by hand"


def test_initial_files_are_made_once(root):
    first = run(root, {}, {"api/init": b"start"})
    assert states(first) == {"api/init": "created"}
    first.write()
    (root / "api/init").write_bytes(b"changed by its owner")
    assert states(run(root, {}, {"api/init": b"start"})) == {}


def test_a_write_that_fails_leaves_everything_as_it_was(root, monkeypatch):
    (root / "api/a.go").write_bytes(b"made 1")
    stubs = run(root, {"api/a.go": b"made 2", "api/b.go": b"made 2"})
    real = Path.write_bytes

    def full(path, content):
        if "b.go" in path.name:
            real(path, content[:1])
            raise OSError(28, "No space left on device", str(path))
        return real(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        stubs.write()
    assert sorted(path.name for path in (root / "api").iterdir()) == ["a.go", "a.proto"]
    assert (root / "api/a.go").read_bytes() == b"made 1"


def test_a_link_stays_a_link(root, tmp_path_factory):
    shared = tmp_path_factory.mktemp("shared") / "a.go"
    shared.write_bytes(b"made 1")
    (root / "api/a.go").symlink_to(shared)
    run(root, {"api/a.go": b"made 2"}).write()
    assert (root / "api/a.go").is_symlink()
    assert shared.read_bytes() == b"made 2"
