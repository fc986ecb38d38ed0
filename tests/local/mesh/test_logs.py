import threading
import time
from datetime import UTC, datetime

from dubbopy_cli.targets.local import logs
from dubbopy_cli.targets.local.logs import Source, stamp


def at(seconds, text):
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{moment} INFO {text}\n"


def texts(sources, **options):
    options = {"follow": False, "since": None, "tail": None, **options}
    return [line.text.removeprefix(line.text[:24]).strip() for line in logs.read(lambda: sources, **options)]


def test_stamps():
    assert stamp("2026-11-23T01:02:03.123Z INFO x") == 1795395723.123
    assert stamp("2026-11-23 01:02:03Z x") == 1795395723.0
    assert stamp("2026-11-23T03:02:03.123456+02:00 x") == 1795395723.123456
    assert stamp("2026-13-23T01:02:03Z x") is None
    assert stamp("Traceback") is None


def test_instances_are_merged_by_time_and_lines_without_one_stay_with_theirs(tmp_path):
    one, two = Source("a", "v1", tmp_path / "a.log"), Source("b", "v2", tmp_path / "b.log")
    one.path.write_text(at(10, "a10") + "  traceback\n" + at(30, "a30"))
    two.path.write_text(at(20, "b20") + at(40, "b40") + "unfinished")
    lines = list(logs.read(lambda: [one, two], follow=False, since=None, tail=None))
    assert [(line.instance, line.version, line.time) for line in lines] == [
        ("a", "v1", 10), ("a", "v1", 10), ("b", "v2", 20), ("a", "v1", 30), ("b", "v2", 40), ("b", "v2", 40),
    ]  # fmt: skip
    assert lines[1].text == "  traceback"
    assert lines[-1].text == "unfinished"
    assert texts([Source("c", "v1", tmp_path / "none.log")]) == []


def test_tail_counts_an_instance_and_reaches_into_rotated_files(tmp_path):
    source = Source("a", "v1", tmp_path / "a.log")
    (tmp_path / "a.log.2").write_text(at(1, "one"))
    (tmp_path / "a.log.1").write_text(at(2, "two") + at(3, "three"))
    source.path.write_text(at(4, "four"))
    assert texts([source]) == ["INFO one", "INFO two", "INFO three", "INFO four"]
    assert texts([source], tail=2) == ["INFO three", "INFO four"]
    assert texts([source], tail=0) == []


def test_since(tmp_path):
    source = Source("a", "v1", tmp_path / "a.log")
    now = time.time()
    source.path.write_text(at(now - 100, "old") + at(now - 5, "new"))
    assert texts([source], since=50) == ["INFO new"]


def test_follow_goes_on_through_rotation_and_replacement(tmp_path):
    sources = [Source("a", "v1", tmp_path / "a.log")]
    sources[0].path.write_text(at(1, "first"))
    seen, more = [], threading.Semaphore(0)

    def reader():
        for line in logs.read(lambda: list(sources), follow=True, since=None, tail=None):
            seen.append(f"{line.instance} {line.text[24:].strip()}")
            more.release()
            if line.text.endswith("last"):
                return

    thread = threading.Thread(target=reader, daemon=True)
    thread.start()

    def expect(text):
        assert more.acquire(timeout=10), seen
        assert seen[-1] == text

    expect("a INFO first")
    with sources[0].path.open("a") as file:
        whole = at(2, "in two pieces")
        file.write(whole[:30])
        file.flush()
        file.write(whole[30:])
    expect("a INFO in two pieces")
    with sources[0].path.open("a") as file:
        file.write(at(3, "before rotation"))
    sources[0].path.rename(tmp_path / "a.log.1")
    sources[0].path.write_text(at(4, "after rotation"))
    expect("a INFO before rotation") if len(seen) == 3 else more.acquire(timeout=10)
    more.acquire(timeout=10)
    assert seen[2:] == ["a INFO before rotation", "a INFO after rotation"]
    fresh = Source("b", "v1", tmp_path / "b.log")
    fresh.path.write_text(at(5, "replaced"))
    sources[:] = [fresh]
    expect("b INFO replaced")
    with fresh.path.open("a") as file:
        file.write(at(6, "last"))
    expect("b INFO last")
    thread.join(10)
    assert not thread.is_alive()
