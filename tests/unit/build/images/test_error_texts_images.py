"""What a user reads when an image cannot be made: the whole text."""

import ssl
from urllib.error import URLError

import pytest

from dubbopy_cli.build.images import choose, content, make, registry
from dubbopy_cli.build.images.registry import Registry
from dubbopy_cli.build.images.request import ImageRequest, platforms
from tests.errortexts import Told
from tests.fakes import FakeRunner
from tests.unit.build.images.conftest import programs

DOWN = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n"
TWO = ("linux/amd64", "linux/arm64")


@pytest.mark.parametrize(
    ("there", "choice", "text"),
    [
        (
            [],
            "auto",
            "Error: none of docker, podman and buildah is installed, so no image can be made\n\n"
            "Try: sudo apt-get install podman, or compile without an image: dubbopy-cli build\n[builder-missing]\n",
        ),
        (
            ["podman"],
            "buildah",
            "Error: buildah is not installed\n\nTry: take what is there: --builder auto\n[builder-missing]\n",
        ),
        (
            ["docker"],
            "auto",
            "Error: docker is installed but its engine does not answer, and neither podman nor buildah is installed\n\n"
            f"  {DOWN}\n"
            "Try: start it: sudo systemctl start docker; or take podman, which needs none: sudo apt-get install podman\n"
            "[builder-down]\n",
        ),
        (
            ["docker", "podman"],
            "docker",
            f"Error: docker is installed but its engine does not answer\n\n  {DOWN}\n"
            "Try: start it: sudo systemctl start docker; or take podman, which needs none: sudo apt-get install podman\n"
            "[builder-down]\n",
        ),
    ],
)
def test_no_builder(desk, monkeypatch, there, choice, text):
    programs(desk.folder / "bin", monkeypatch, *there)
    runner = FakeRunner()
    if "docker" in there:
        runner.expect("docker", "version", "--format", "{{.Server.Version}}", stderr=DOWN, returncode=1)
    assert desk.told(lambda: choose.choose(choice, runner)) == Told(3, text)
    runner.done()


def test_no_platform(desk):
    assert desk.told(lambda: platforms("linux/amd64,windows/amd64")) == Told(
        2,
        "Error: 'windows/amd64' is no platform of an image: linux/amd64, linux/arm64, linux/386, linux/loong64, "
        "linux/ppc64le, linux/riscv64, linux/s390x\n\nTry: --platform linux/amd64\n[usage]\n",
    )


def test_several_platforms_that_cannot_stay_or_be_loaded(desk, shop, machine, monkeypatch):
    machine.expect("docker", "version")
    programs(desk.folder / "bin", monkeypatch, "docker")
    assert desk.told(lambda: make.plan(shop, ImageRequest(platforms=TWO, push=False), machine)) == Told(
        2,
        "Error: docker keeps an image of several platforms only in a registry\n\n"
        "Try: add --push, or take --builder podman\n[usage]\n",
    )
    assert desk.told(lambda: make.plan(shop, ImageRequest(platforms=TWO, load="kind"), machine)) == Told(
        2,
        "Error: an image of several platforms cannot be loaded into kind\n\n"
        "Try: --platform with the one of its nodes, or leave out --load\n[usage]\n",
    )


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ("a" * 64, "was made of other sources"),
        ("", "was not made by dubbopy-cli or the project's Makefile"),
    ],
)
def test_a_tag_that_is_taken(desk, shop, machine, held, why):
    registry = machine.registry
    digest = registry.put("team/shop", "1.0.0", held)
    assert desk.told(lambda: make.make(shop, ImageRequest(), machine)) == Told(
        6,
        f"Error: {registry.host}/team/shop:1.0.0 is in the registry already and {why}: pods may run it, "
        f"and one tag should never be two programs\n\n  in the registry: {digest}\n\n"
        "Try: take a new tag: --tag, or image.tag in chart/app/values.yaml; or replace what is there: --force\n"
        "[image-tag-taken]\n",
    )


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (
            "copier: write /var/lib/containers/storage/x: no space left on device",
            "the disk is full: `podman image prune` frees what no image needs",
        ),
        (
            "Cannot connect to Podman. Please verify your connection to the Linux system",
            "Podman's Linux machine does not run: podman machine start",
        ),
        (
            "exec /bin/sh: exec format error",
            "a step of the Dockerfile runs a program of another platform: install qemu-user-static (binfmt), "
            "or leave out --platform",
        ),
        (
            "Error: initializing source docker://localhost:5000/python: pinging container registry localhost:5000",
            "the registry of the base image, or pip's index, cannot be reached: name ones that can in build/Dockerfile",
        ),
        (
            "reading manifest: unauthorized: authentication required",
            "the registry of the base image lets nobody in without a login: podman login REGISTRY",
        ),
        (
            "ERROR: No matching distribution found for grpcio",
            "there is no wheel that fits: look at pyproject.toml and at pip's index",
        ),
        ("something new", "run it by hand: podman build --label dubbopy.content=CONTENT -t REFERENCE build"),
    ],
)
def test_a_builder_that_fails(desk, shop, machine, words, hint):
    registry = machine.registry
    machine.go()
    machine.expect("podman", "build", stderr=f"{words}\n", returncode=125)
    told = desk.told(lambda: make.make(shop, ImageRequest(), machine))
    reference = f"{registry.host}/team/shop:1.0.0"
    hint = hint.replace("CONTENT", content.digest(shop.root)).replace("REFERENCE", reference)
    assert told == Told(
        1,
        "Error: making the image of shop failed: `podman build` ended with exit status 125\n\n"
        f"  {words}\n\nTry: {hint}\n[image-failed]\n",
    )


def pushed(shop, machine, words):
    machine.go()
    machine.expect("podman", "build")
    machine.expect("podman", "push", stderr=f"{words}\n", returncode=125)
    return make.make(shop, ImageRequest(), machine)


def test_a_push_that_is_denied(desk, shop, registry, machine):
    words = "Error: writing blob: denied: requested access to the resource is denied"
    assert desk.told(lambda: pushed(shop, machine, words)) == Told(
        4,
        f"Error: the registry {registry.host} does not let podman push {registry.host}/team/shop\n\n"
        f"  {words}\n\nTry: podman login {registry.host}\n[registry-denied]\n",
    )


def test_a_push_to_a_registry_that_is_gone(desk, shop, registry, machine):
    words = "Error: pinging container registry: dial tcp 127.0.0.1:5000: connect: connection refused"
    assert desk.told(lambda: pushed(shop, machine, words)) == Told(
        4,
        f"Error: podman cannot push to the registry {registry.host}: it does not answer as it should\n\n  {words}\n\n"
        "Try: start it or mend the network, then the same command again; by hand: "
        f"podman push --tls-verify=false {registry.host}/team/shop:1.0.0\n[registry-unreachable]\n",
    )


def test_a_registry_without_tls_that_docker_does_not_trust(desk, shop, registry, machine, monkeypatch):
    programs(desk.folder / "bin", monkeypatch, "docker")
    words = 'Get "https://r/v2/": http: server gave HTTP response to HTTPS client'
    machine.go()
    machine.expect("docker", "version")
    machine.expect("docker", "build")
    machine.expect("docker", "push", stderr=f"{words}\n", returncode=1)
    assert desk.told(lambda: make.make(shop, ImageRequest(), machine)) == Told(
        4,
        f"Error: docker cannot push to the registry {registry.host}: it does not answer as it should\n\n  {words}\n\n"
        f'Try: let docker\'s engine trust it: "insecure-registries": ["{registry.host}"] in /etc/docker/daemon.json\n'
        "[registry-unreachable]\n",
    )


def test_sources_that_change_meanwhile(desk, shop, registry, machine):
    machine.go()
    machine.expect("podman", "build")

    def action():
        planned = make.plan(shop, ImageRequest(), machine)
        planned.steps.apply(lambda _: (shop.root / "cmd/app.go").write_text("package main // saved\n"))

    assert desk.told(action) == Told(
        1,
        "Error: the sources of shop changed while its image was made, so nobody knows what is in it\n\n"
        "Try: the same command again\n[image-failed]\n",
    )
    assert registry.files == {}


def test_a_push_that_fails_otherwise(desk, shop, registry, machine):
    assert desk.told(lambda: pushed(shop, machine, "Error: blob upload invalid")) == Told(
        1,
        f"Error: pushing to {registry.host} failed: `podman push` ended with exit status 125\n\n"
        "  Error: blob upload invalid\n\n"
        f"Try: run it by hand: podman push --tls-verify=false {registry.host}/team/shop:1.0.0\n[image-push-failed]\n",
    )


def test_a_push_that_went_elsewhere(desk, shop, registry, machine):
    machine.go()
    machine.expect("podman", "build")
    machine.expect("podman", "push")

    def action():
        planned = make.plan(shop, ImageRequest(), machine)
        planned.steps.apply(lambda step: step.title.startswith("read") and registry.files.clear())

    assert desk.told(action) == Told(
        1,
        f"Error: podman has pushed {registry.host}/team/shop:1.0.0, but the registry does not have it\n\n"
        "Try: look for it: podman images\n[image-push-failed]\n",
    )


def test_a_cluster_that_does_not_take_the_image(desk, shop, machine):
    machine.go()
    machine.expect("podman", "build")
    machine.expect("podman", "save")
    machine.expect("kind", "load", stderr='ERROR: no nodes found for cluster "kind"\n', returncode=1)
    assert desk.told(lambda: make.make(shop, ImageRequest(push=False, load="kind"), machine)) == Told(
        1,
        "Error: loading the image into kind failed: `kind load` ended with exit status 1\n\n"
        '  ERROR: no nodes found for cluster "kind"\n\n'
        "Try: run it by hand: kind load image-archive build/.image.tar\n[image-load-failed]\n",
    )


def test_a_registry_that_is_not_there(desk, shop, machine, registry):
    registry.status = 500
    assert desk.told(lambda: make.plan(shop, ImageRequest(), machine)) == Told(
        4,
        f"Error: the registry {registry.host} cannot be asked for {shop.image}: it answers with HTTP status 500\n\n"
        "Try: start it or mend the network, or do without: dubbopy-cli build --image --no-push\n"
        "[registry-unreachable]\n",
    )
    assert desk.told(lambda: Registry("127.0.0.1:9/shop", "podman", insecure=True).held("1")) == Told(
        4,
        "Error: the registry 127.0.0.1:9 cannot be asked for 127.0.0.1:9/shop: Connection refused\n\n"
        "Try: start it or mend the network, or do without: dubbopy-cli build --image --no-push\n"
        "[registry-unreachable]\n",
    )


def test_a_registry_whose_certificate_is_not_trusted(desk, monkeypatch):
    reason = ssl.SSLCertVerificationError("x")
    reason.verify_message = "self-signed certificate"

    def refuse(*_, **__):
        raise URLError(reason)

    monkeypatch.setattr(registry.urllib.request.OpenerDirector, "open", refuse)
    assert desk.told(lambda: Registry("registry.example.com/shop", "podman").held("1")) == Told(
        4,
        "Error: the registry registry.example.com cannot be asked for registry.example.com/shop: "
        "its certificate is not trusted (self-signed certificate)\n\n"
        "Try: put the certificate of its authority at /etc/containers/certs.d/registry.example.com/ca.crt, "
        "or add --insecure\n[registry-unreachable]\n",
    )


def test_something_that_is_no_registry(desk, shop, machine, registry):
    registry.files["team/shop/manifests/1.0.0"] = (
        "application/vnd.oci.image.manifest.v1+json",
        b"<html>Welcome</html>",
    )
    assert desk.told(lambda: make.plan(shop, ImageRequest(), machine)) == Told(
        4,
        f"Error: what answers at {registry.host} is no registry: a web page, perhaps of a proxy\n\n"
        f"Try: curl -i https://{registry.host}/v2/\n[registry-unreachable]\n",
    )


@pytest.mark.parametrize("login", ["basic", "bearer"])
def test_a_registry_that_wants_a_login(desk, shop, machine, registry, login):
    registry.login = login
    assert desk.told(lambda: make.plan(shop, ImageRequest(), machine)) == Told(
        4,
        f"Error: the registry {registry.host} does not let you at {shop.image} (HTTP status 401): "
        f"you are not logged in\n\nTry: podman login {registry.host}\n[registry-denied]\n",
    )


def test_a_login_without_the_right(desk, shop, machine, monkeypatch, tmp_path):
    registry = machine.registry
    registry.status = 403
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    (tmp_path / "auth.json").write_text(f'{{"auths": {{"{registry.host}": {{"auth": "ZGV2OnNlY3JldA=="}}}}}}')
    assert desk.told(lambda: make.plan(shop, ImageRequest(), machine)) == Told(
        4,
        f"Error: the registry {registry.host} does not let you at {shop.image} (HTTP status 403): "
        f"the login has not the right\n\nTry: podman login {registry.host}\n[registry-denied]\n",
    )
