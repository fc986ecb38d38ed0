import ctypes
import errno
import json
import os
import resource
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dubbopy_cli.errors import ConflictError, DubbopyError, UsageError
from dubbopy_cli.scaffold import place as place_module
from dubbopy_cli.scaffold.place import compare, place
from dubbopy_cli.scaffold.staging import PREFIX, destination, staged
from tests.scaffolding import contents, run, write

NOW = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)


def put(target, files, *, force=False, links=None):
    with staged(target) as stage:
        write(stage.tree, files)
        for name, goal in (links or {}).items():
            (stage.tree / name).symlink_to(goal)
        found = compare(stage.tree, target, force=force)
        return {file.path: file.state.value for file in found}, place(stage, target, found, now=NOW)


def refused(target, files, kind=ConflictError, **options):
    before = contents(target.parent)
    with pytest.raises(kind) as caught:
        put(target, files, **options)
    assert contents(target.parent) == before, "something was left or changed"
    return caught.value


def test_a_new_folder_and_its_parents(tmp_path):
    states, backups = put(tmp_path / "a/b/c", {"x": "1", "d/y": "2"})
    assert states == {"x": "created", "d/y": "created"}
    assert backups == ()
    assert contents(tmp_path) == {"a/b/c/x": "1", "a/b/c/d/y": "2"}


def test_an_empty_folder_of_a_template_comes_too(tmp_path):
    for target in (tmp_path / "new", tmp_path):
        with staged(target) as stage:
            (stage.tree / "empty/inner").mkdir(parents=True)
            place(stage, target, compare(stage.tree, target), now=NOW)
    assert contents(tmp_path) == {"new/empty/inner": "-", "empty/inner": "-"}


def test_what_is_there_stays_and_what_is_equal_is_unchanged(tmp_path):
    write(tmp_path, {"own": "mine", "x": "1"})
    states, backups = put(tmp_path, {"x": "1", "d/y": "2"})
    assert (states, backups) == ({"x": "unchanged", "d/y": "created"}, ())
    assert contents(tmp_path) == {"own": "mine", "x": "1", "d/y": "2"}


def test_files_that_differ_are_listed_and_nothing_is_written(tmp_path):
    target = write(tmp_path / "p", {"x": "mine", "d/y": "mine too"})
    error = refused(target, {"x": "1", "d/y": "2", "z": "3"})
    assert error.code == "path-conflict"
    assert error.message == f"{target} holds 2 files already that differ from the project's, nothing was written"
    assert error.details == "d/y\nx"
    assert error.hint == "the same command with --force, which keeps a copy of each"


def test_force_keeps_copies_out_of_the_way(tmp_path):
    write(tmp_path, {"x": "mine", "chart/app/templates/y.yaml": "mine too", "same": "3"})
    files = {"x": "1", "chart/app/templates/y.yaml": "2", "same": "3"}
    states, backups = put(tmp_path, files, force=True)
    assert states == {"x": "replaced", "chart/app/templates/y.yaml": "replaced", "same": "unchanged"}
    kept = ".dubbopy-orig/20261123T010203Z"
    assert backups == (f"{kept}/chart/app/templates/y.yaml", f"{kept}/x")
    assert contents(tmp_path) == {**files, f"{kept}/x": "mine", f"{kept}/chart/app/templates/y.yaml": "mine too"}


def test_copies_of_the_same_second_do_not_meet(tmp_path):
    write(tmp_path, {"x": "first"})
    put(tmp_path, {"x": "second"}, force=True)
    put(tmp_path, {"x": "third"}, force=True)
    assert contents(tmp_path) == {
        "x": "third",
        ".dubbopy-orig/20261123T010203Z/x": "first",
        ".dubbopy-orig/20261123T010203Z-2/x": "second",
    }


@pytest.mark.parametrize("force", [False, True])
def test_what_even_force_does_not_move(tmp_path, force):
    target = write(tmp_path / "p", {"dir/inside": "mine", "file": "mine"})
    os.mkfifo(target / "pipe")
    error = refused(target, {"dir": "1", "file/x": "2", "file/y": "3", "pipe": "4"}, force=force)
    assert error.code == "path-conflict"
    assert error.message == f"{target} holds what is in the way of the project, nothing was written"
    assert error.details == (
        "dir (a folder, where the project has a file)\n"
        "file (a file, where the project has a folder)\n"
        "pipe (neither a file nor a folder)"
    )


@pytest.mark.parametrize("force", [False, True])
def test_a_link_in_the_destination_leads_nothing_out(tmp_path, force):
    outside = write(tmp_path / "outside", {"own": "1"})
    target = write(tmp_path / "p", {"x": "1"})
    (target / "d").symlink_to(outside)
    error = refused(target, {"d/e/y": "2"}, DubbopyError, force=force)
    assert error.code == "path-invalid"
    assert error.message == f"{target}/d is a link to {outside}: d/e would be written there, outside the project"
    assert error.hint == f"rm {target}/d, or choose another folder; nothing was written"


def test_a_link_in_place_of_a_file_is_replaced_and_not_followed(tmp_path):
    outside = write(tmp_path / "outside", {"own": "mine"})
    target = tmp_path / "p"
    target.mkdir()
    (target / "x").symlink_to(outside / "own")
    assert refused(target, {"x": "1"}).details == "x"
    put(target, {"x": "1"}, force=True)
    assert contents(tmp_path) == {
        "outside/own": "mine",
        "p/x": "1",
        "p/.dubbopy-orig/20261123T010203Z/x": f"-> {outside}/own",
    }


def test_links_of_a_template_are_compared_as_links(tmp_path):
    put(tmp_path, {"x": "1"}, links={"to": "x"})
    assert put(tmp_path, {"x": "1"}, links={"to": "x"})[0] == {"to": "unchanged", "x": "unchanged"}
    with pytest.raises(ConflictError):
        put(tmp_path, {"x": "1", "y": "2"}, links={"to": "y"})


def test_a_path_that_is_a_link_to_a_folder_is_that_folder(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert destination(tmp_path / "link") == tmp_path / "real"


def test_paths_that_cannot_be_a_folder(tmp_path):
    write(tmp_path, {"file": "1"})
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "loop").symlink_to("loop")
    for name, message in {
        "file": f"{tmp_path}/file is not a folder",
        "file/below": f"{tmp_path}/file is not a folder",
        "nowhere": f"{tmp_path}/nowhere is a link to nothing",
        "loop": f"{tmp_path}/loop ",
    }.items():
        with pytest.raises(UsageError) as caught:
            destination(tmp_path / name)
        assert caught.value.code == "path-invalid"
        assert caught.value.message.startswith(message)


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_move_that_fails_half_way_is_undone(tmp_path, monkeypatch, failing):
    target = write(tmp_path / "p", {"b": "mine", "own": "1"})
    calls = []
    link = os.link

    def limited(*args, **kwargs):
        calls.append(args)
        if len(calls) == failing:
            raise OSError(errno.ENOSPC, "No space left on device")
        link(*args, **kwargs)

    monkeypatch.setattr(place_module.os, "link", limited)
    error = refused(target, {"a/x": "1", "b": "2", "c/d/y": "3"}, OSError, force=True)
    assert error.errno == errno.ENOSPC


def test_a_signal_half_way_is_undone(tmp_path, monkeypatch):
    target = write(tmp_path / "p", {"b": "mine"})
    link = os.link

    def signalled(*args, **kwargs):
        link(*args, **kwargs)
        os.kill(os.getpid(), 2)

    monkeypatch.setattr(place_module.os, "link", signalled)
    refused(target, {"a/x": "1", "b": "2"}, KeyboardInterrupt, force=True)


def test_without_hard_links_files_are_copied(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(place_module.os, "link", refuse)
    put(tmp_path, {"a/x": "1", "b": "2"})
    assert contents(tmp_path) == {"a/x": "1", "b": "2"}


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path):
    target = tmp_path / "p"
    for existing in (False, True):
        if existing:
            target.mkdir(exist_ok=True)
        with staged(target) as stage:
            write(stage.tree, {"x": "1"})
            found = compare(stage.tree, target)
            write(target, {"x": "theirs"})
            with pytest.raises(ConflictError) as caught:
                place(stage, target, found, now=NOW)
        assert caught.value.message.endswith("appeared while the project was being made, nothing was written")
        assert contents(tmp_path) == {"p/x": "theirs"}
        (target / "x").unlink()


def test_what_a_killed_command_left_is_swept_by_the_next(tmp_path):
    old = write(tmp_path / f"{PREFIX}killed", {"x/y": "1"})
    os.utime(old, (0, 0))
    young = write(tmp_path / f"{PREFIX}young", {"x": "1"})
    with staged(tmp_path / "running") as running:
        # Another command's: old, but its lock is held.
        os.utime(running.folder, (0, 0))
        with staged(tmp_path / "p"):
            assert running.tree.is_dir()
            assert not old.exists()
            assert young.exists()


def test_a_full_disk_is_said_and_nothing_is_left(tmp_path):
    # A limit on file size is refused by the system as a full disk is; go.sum is the file that is over it.
    limit = 64 * 1024
    for target in (tmp_path / "new/shop", tmp_path):
        done = run(
            "newApp",
            target,
            "--name",
            "shop",
            "-o",
            "json",
            first=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
        assert done.returncode == 1, done.stderr
        error = json.loads(done.stdout)["errors"][0]
        assert error == {
            "code": "io",
            "message": f"{target} cannot be written: File too large; nothing was written",
            "hint": f"df -h {tmp_path}",
        }
        assert contents(tmp_path) == {}


def test_a_read_only_folder_is_said(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o555)

    def be_nobody_special():
        # PR_CAPBSET_DROP of CAP_DAC_OVERRIDE: root without it is refused like anybody else.
        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)

    for target in (closed, closed / "shop"):
        done = run("newApp", target, "--name", "shop", first=be_nobody_special)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr == (
            f"Error: {target} cannot be written: Permission denied; nothing was written\n\nTry: ls -ld {closed}\n[io]\n"
        )
    assert contents(tmp_path) == {"closed": "-"}


def test_files_have_the_permissions_that_the_user_s_own_would_have(tmp_path):
    template = write(tmp_path / "t", {"copier.yml": "_subdirectory: p", "p/plain": "1", "p/d/tool.jinja": "2"})
    (template / "p/plain").chmod(0o444)
    (template / "p/d/tool.jinja").chmod(0o555)
    (template / "p/d").chmod(0o555)
    done = run("newApp", tmp_path / "out", "--template", template, first=lambda: os.umask(0o027))
    assert done.returncode == 0, done.stderr
    modes = {name: (tmp_path / "out" / name).stat().st_mode & 0o777 for name in (".", "plain", "d", "d/tool")}
    assert modes == {".": 0o750, "plain": 0o640, "d": 0o750, "d/tool": 0o750}


def test_a_staging_folder_in_the_system_s_place_for_a_dry_run(tmp_path, monkeypatch):
    monkeypatch.setattr("dubbopy_cli.scaffold.staging.gettempdir", lambda: str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    with staged(tmp_path / "p", keep_away=True) as stage:
        assert stage.tree.is_relative_to(tmp_path / "tmp")
        assert stage.tree.name == "p"
    assert list(Path(tmp_path / "tmp").iterdir()) == []
