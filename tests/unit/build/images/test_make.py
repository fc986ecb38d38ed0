import json
from dataclasses import replace

import pytest

from dubbopy_cli.build import builder
from dubbopy_cli.build.images import content, make, record
from dubbopy_cli.build.images.request import ImageRequest
from dubbopy_cli.errors import ConflictError, DubbopyError, UnreachableError, UsageError


def lines(machine):
    """What was run, without the questions that change nothing."""
    return [" ".join(argv) for argv in machine.calls if argv[1] not in {"env", "version"}]


def expect(machine, *commands):
    machine.go()
    for command in commands:
        machine.expect(*command.split())


def test_an_image_is_made_pushed_and_known_by_its_digest(shop, registry, machine):
    expect(machine, "podman build", "podman push")
    said = []
    done = make.make(shop, ImageRequest(), machine, announce=lambda step: said.append(step.title))
    reference = f"{registry.host}/team/shop:1.0.0"
    assert lines(machine)[1:] == [
        f"podman build --label dubbopy.content={content.digest(shop.root)} -t {reference} build",
        f"podman push --tls-verify=false {reference}",
    ]
    assert said == [
        "compile shop 1.0.0",
        f"make the image {reference} with podman",
        f"push {reference}",
        f"read the digest of {reference}",
    ]
    digest = registry.put("team/shop", "other", content.digest(shop.root))
    assert done.digest == digest
    assert done.pinned == f"{registry.host}/team/shop@{digest}"
    assert (done.builder, done.platforms, done.pushed, done.state) == ("podman", ("linux/amd64",), True, "built")
    assert (shop.root / "build/dubbogo.yaml").read_text() == "dubbo: {}\n"
    machine.done()


def test_what_the_registry_holds_is_not_made_again(shop, registry, machine):
    digest = registry.put("team/shop", "1.0.0", content.digest(shop.root))
    done = make.make(shop, ImageRequest(), machine)
    assert (done.state, done.digest) == ("up-to-date", digest)
    assert machine.calls == []
    assert record.recorded(shop, "1.0.0", done.content) == done


@pytest.mark.parametrize("held", ["a" * 64, ""])
def test_a_tag_that_holds_something_else_is_refused_before_anything_runs(shop, registry, machine, held):
    registry.put("team/shop", "1.0.0", held)
    with pytest.raises(ConflictError) as refused:
        make.make(shop, ImageRequest(), machine)
    assert refused.value.code == "image-tag-taken"
    assert machine.calls == []
    assert make.plan(shop, ImageRequest(tag="1.0.1"), machine_with_go(machine)).expected.tag == "1.0.1"


def machine_with_go(machine):
    machine.go()
    return machine


def test_force_replaces_the_tag(shop, registry, machine):
    registry.put("team/shop", "1.0.0", "a" * 64)
    expect(machine, "podman build", "podman push")
    done = make.make(shop, ImageRequest(force=True), machine)
    assert done.digest == registry.put("team/shop", "other", content.digest(shop.root))


def test_a_tag_that_another_push_took_meanwhile_is_refused(shop, registry, machine):
    expect(machine, "podman build")
    planned = make.plan(shop, ImageRequest(), machine)
    registry.put("team/shop", "1.0.0", "b" * 64)
    with pytest.raises(ConflictError) as refused:
        planned.steps.apply()
    assert refused.value.code == "image-tag-taken"
    assert "podman push" not in "\n".join(lines(machine))


def test_a_push_that_another_one_overtook_is_told(shop, registry, machine):
    expect(machine, "podman build", "podman push")
    planned = make.plan(shop, ImageRequest(), machine)

    def overtake(step):
        if step.title.startswith("read the digest"):
            registry.put("team/shop", "1.0.0", "b" * 64)

    with pytest.raises(ConflictError) as refused:
        planned.steps.apply(overtake)
    assert refused.value.code == "image-tag-taken"
    assert record.recorded(shop, "1.0.0", content.digest(shop.root)) is None


def test_several_platforms_are_compiled_one_by_one_and_pushed_as_an_index(shop, registry, machine):
    expect(machine, "podman manifest rm", "podman rmi", "podman build", "podman manifest push")
    done = make.make(shop, ImageRequest(platforms=("linux/amd64", "linux/arm64")), machine)
    reference = f"{registry.host}/team/shop:1.0.0"
    assert [line.rpartition(" -o ")[2] for line in lines(machine)[:2]] == [
        "build/app-amd64 ./cmd",
        "build/app-arm64 ./cmd",
    ]
    assert lines(machine)[2:] == [
        f"podman manifest rm {reference}",
        f"podman rmi {reference}",
        "podman build --platform linux/amd64,linux/arm64 --build-arg PER_PLATFORM=yes "
        f"--label dubbopy.content={done.content} --manifest {reference} build",
        f"podman manifest push --all --tls-verify=false {reference} docker://{reference}",
    ]
    assert done.platforms == ("linux/amd64", "linux/arm64")
    machine.done()


def test_a_platform_more_keeps_those_that_are_there(shop, registry, machine):
    registry.put("team/shop", "1.0.0", content.digest(shop.root), "linux/arm64", "linux/s390x")
    expect(machine, "podman manifest rm", "podman rmi", "podman build", "podman manifest push")
    assert make.make(shop, ImageRequest(), machine).platforms == ("linux/arm64", "linux/s390x", "linux/amd64")


def test_an_image_can_stay_here(shop, registry, machine):
    expect(machine, "podman build")
    done = make.make(shop, ImageRequest(push=False), machine)
    assert (done.digest, done.pinned, done.pushed) == ("", f"{registry.host}/team/shop:1.0.0", False)
    assert registry.asked == []
    assert record.recorded(shop, "1.0.0", done.content) is None


def test_a_loaded_image_that_the_registry_has_keeps_its_digest(shop, registry, machine):
    digest = registry.put("team/shop", "1.0.0", content.digest(shop.root))
    expect(machine, "podman build", "podman save", "ctr")
    done = make.make(shop, ImageRequest(load="ctr"), machine)
    assert (done.digest, done.loaded) == (digest, "ctr")
    name = f"{registry.host}/team/shop:1.0.0"
    assert lines(machine)[2:] == [
        f"ctr -n k8s.io images tag --force {name} {name}-former",
        f"podman save -o build/.image.tar {name}",
        "ctr -n k8s.io images import build/.image.tar",
        f"ctr -n k8s.io images rm {name}-former",
    ]


@pytest.mark.parametrize(("failing", "ends"), [("tag", True), ("import", False), ("rm", False)])
def test_only_a_former_image_may_be_missing(shop, machine, failing, ends):
    machine.go()
    machine.expect("podman", "build")
    machine.expect("ctr", "-n", "k8s.io", "images", failing, stderr="no", returncode=1)
    machine.expect("podman", "save")
    machine.expect("ctr")
    if ends:
        assert make.make(shop, ImageRequest(push=False, load="ctr"), machine).loaded == "ctr"
        return
    with pytest.raises(DubbopyError) as refused:
        make.make(shop, ImageRequest(push=False, load="ctr"), machine)
    assert refused.value.code == "image-load-failed"


def test_an_archive_of_an_earlier_command_is_not_added_to(shop, machine):
    expect(machine, "podman build", "podman save", "ctr")
    (shop.root / "build/.image.tar").write_text("half")
    planned = make.plan(shop, ImageRequest(push=False, load="ctr"), machine)
    there = []
    planned.steps.apply(lambda step: there.append((step.title, (shop.root / "build/.image.tar").exists())))
    assert [exists for title, exists in there if title.startswith("load")] == [False, False]
    assert not (shop.root / "build/.image.tar").exists()


def test_a_foreign_platform_alone_has_a_program_of_its_own(shop, registry, machine):
    expect(machine, "podman build", "podman push")
    make.make(shop, ImageRequest(platforms=("linux/arm64",)), machine)
    assert "-o build/app-arm64" in lines(machine)[0]
    assert "--platform linux/arm64 --build-arg PER_PLATFORM=yes" in lines(machine)[1]
    assert not (shop.root / "build/app").exists()


def test_a_mac_compiles_for_linux(shop, machine, monkeypatch):
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    machine.go()
    steps = make.plan(shop, ImageRequest(), machine).steps.steps
    assert [step.command.partition(" /")[0] for step in steps if step.title.startswith("compile")] == [
        "CGO_ENABLED=0 GOOS=linux"
    ]


def test_a_python_image_needs_the_wheel_alone(python_shop, machine, monkeypatch, tmp_path):
    monkeypatch.setenv("DUBBOPY_UV", str(tmp_path / "none"))
    planned = make.plan(python_shop, ImageRequest(platforms=("linux/amd64", "linux/arm64")), machine)
    commands = [step.command for step in planned.steps.steps]
    assert commands[0] == "rm -rf build/dist; echo 1.0.0 > src/shop/_tag.txt"
    assert commands[1].endswith(" -m pip wheel --no-deps -w build/dist .")
    assert commands[2] == "cp conf/dubbogo.yaml build/dubbogo.yaml"
    assert "PER_PLATFORM" not in commands[4]
    planned.steps.steps[0].run()
    assert (python_shop.root / "src/shop/_tag.txt").read_text() == "1.0.0\n"


@pytest.mark.parametrize("uv", [True, False])
def test_a_dry_run_of_python_names_the_wheel_that_is_not_there(python_shop, machine, monkeypatch, tmp_path, uv):
    monkeypatch.setenv("DUBBOPY_UV", str(tmp_path / ("bin/podman" if uv else "none")))
    before = sorted(python_shop.root.rglob("*"))
    lines = builder.preview(python_shop, machine)
    venv = f"{python_shop.root}/build/venv/bin/python"
    pip = f"{tmp_path}/bin/podman pip install --python {venv}" if uv else f"{venv} -m pip install"
    assert lines[0] == "rm -rf build/dist; echo 1.0.0 > src/shop/_tag.txt"
    assert lines[3:] == (f"{pip} build/dist/*.whl", f"{pip} --force-reinstall --no-deps build/dist/*.whl")
    assert sorted(python_shop.root.rglob("*")) == before


def test_a_plan_changes_nothing(shop, machine):
    machine.go()
    before = sorted(shop.root.rglob("*"))
    planned = make.plan(shop, ImageRequest(platforms=("linux/arm64",)), machine)
    assert [argv[1] for argv in machine.calls] == ["env"]
    assert sorted(shop.root.rglob("*")) == before
    assert planned.expected.pinned.endswith("/team/shop:1.0.0")


@pytest.mark.parametrize("recorded", ["same", "other-content", "other-platform", "not-pushed", "broken", "none"])
def test_a_registry_that_does_not_answer_is_done_without_if_the_image_was_pushed_before(
    shop, registry, machine, recorded
):
    registry.put("team/shop", "1.0.0", content.digest(shop.root))
    known = make.make(shop, ImageRequest(), machine)
    path = shop.root / "build/.images.json"
    changed = {
        "same": known,
        "other-content": replace(known, content="c" * 64),
        "other-platform": replace(known, platforms=("linux/arm64",)),
        "not-pushed": replace(known, digest=""),
    }
    if recorded in changed:
        record.save(shop, changed[recorded])
    else:
        path.write_text(json.dumps({"images": {known.reference: {"what": 1}}} if recorded == "broken" else {}))
    registry.status = 503
    warned = []
    if recorded == "same":
        done = make.make(shop, ImageRequest(), machine, warn=warned.append)
        assert done.pinned == known.pinned
        assert warned == [
            f"the registry {registry.host} cannot be asked for {shop.image}: it answers with HTTP status 503; "
            f"{known.reference} was pushed from here before, as {known.digest}"
        ]
        with pytest.raises(UnreachableError):
            make.make(shop, ImageRequest(force=True), machine)
    else:
        with pytest.raises(UnreachableError):
            make.make(shop, ImageRequest(), machine)


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_several_platforms_cannot_be_loaded(shop, machine, monkeypatch, name):
    two = ("linux/amd64", "linux/arm64")
    machine.expect("docker", "version")
    monkeypatch.setattr("shutil.which", lambda name: name)
    with pytest.raises(UsageError, match="an image of several platforms cannot be loaded into kind"):
        make.plan(shop, ImageRequest(platforms=two, load="kind", builder=name), machine)
    if name == "docker":
        with pytest.raises(UsageError, match="docker keeps an image of several platforms only in a registry"):
            make.plan(shop, ImageRequest(platforms=two, push=False, builder=name), machine)
