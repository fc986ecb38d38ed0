import pytest

from dubbopy_cli.build.images import names
from dubbopy_cli.build.images.builders import BUILDERS, Job, load
from dubbopy_cli.build.images.failures import redact
from dubbopy_cli.build.images.request import ImageResult, platforms

DOCKER, PODMAN, BUILDAH = BUILDERS
ONE = Job("localhost:5000/shop:1", "c")
TWO = Job("localhost:5000/shop:1", "c", ("linux/amd64", "linux/arm64"), per_platform=True)


def lines(commands):
    return [" ".join(argv) for argv in commands]


def test_docker():
    assert lines((*DOCKER.clear(ONE), *DOCKER.build(ONE), *DOCKER.push(ONE))) == [
        "docker build --label dubbopy.content=c -t localhost:5000/shop:1 build",
        "docker push localhost:5000/shop:1",
    ]
    assert lines((*DOCKER.clear(TWO), *DOCKER.build(TWO), *DOCKER.push(TWO))) == [
        "docker buildx build --platform linux/amd64,linux/arm64 --build-arg PER_PLATFORM=yes "
        "--label dubbopy.content=c -t localhost:5000/shop:1 --push build"
    ]


@pytest.mark.parametrize("builder", [PODMAN, BUILDAH])
def test_podman_and_buildah(builder):
    name = builder.name
    assert lines((*builder.clear(ONE), *builder.build(ONE), *builder.push(ONE))) == [
        f"{name} build --label dubbopy.content=c -t localhost:5000/shop:1 build",
        f"{name} push localhost:5000/shop:1",
    ]
    short = Job("team/shop:1", "c", ("linux/s390x",), insecure=True)
    assert lines((*builder.clear(short), *builder.build(short), *builder.push(short))) == [
        f"{name} build --platform linux/s390x --label dubbopy.content=c -t docker.io/team/shop:1 build",
        f"{name} push --tls-verify=false docker.io/team/shop:1",
    ]


@pytest.mark.parametrize(
    ("builder", "loader", "expected"),
    [
        (DOCKER, "kind", ["kind load docker-image localhost:5000/shop:1"]),
        (DOCKER, "minikube", ["minikube image load localhost:5000/shop:1"]),
        (DOCKER, "ctr", ["docker save -o a.tar localhost:5000/shop:1", "ctr -n k8s.io images import a.tar"]),
        (PODMAN, "kind", ["podman save -o a.tar localhost:5000/shop:1", "kind load image-archive a.tar"]),
        (PODMAN, "minikube", ["podman save -o a.tar localhost:5000/shop:1", "minikube image load a.tar"]),
        (
            BUILDAH,
            "ctr",
            [
                "buildah push localhost:5000/shop:1 docker-archive:a.tar:localhost:5000/shop:1",
                "ctr -n k8s.io images import a.tar",
            ],
        ),
    ],
)
def test_loading(builder, loader, expected):
    assert lines(load(ONE, builder, loader, "a.tar")) == expected


@pytest.mark.parametrize(
    ("repository", "registry", "path"),
    [
        ("shop", "docker.io", "library/shop"),
        ("team/shop", "docker.io", "team/shop"),
        ("docker.io/shop", "docker.io", "library/shop"),
        ("index.docker.io/team/shop", "docker.io", "team/shop"),
        ("localhost/shop", "localhost", "shop"),
        ("localhost:5000/a/b", "localhost:5000", "a/b"),
        ("r.example.com/shop", "r.example.com", "shop"),
        ("[::1]:5000/shop", "[::1]:5000", "shop"),
        ("Host/shop", "Host", "shop"),
    ],
)
def test_what_a_repository_names(repository, registry, path):
    assert names.split(repository) == (registry, path)
    assert names.full(f"{repository}:1") == f"{registry}/{path}:1"


@pytest.mark.parametrize(
    ("registry", "local"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.1.2.3", True),
        ("[::1]:5000", True),
        ("127.evil.example", False),
        ("localhost.example.com", False),
        ("10.0.0.1:5000", False),
        ("r.example.com", False),
    ],
)
def test_which_registries_are_on_this_machine(registry, local):
    assert names.on_loopback(registry) is local


def test_platforms():
    assert platforms("linux/arm64, linux/amd64,linux/arm64") == ("linux/arm64", "linux/amd64")


def test_what_is_deployed_is_the_digest():
    made = ImageResult("r/shop", "1", "sha256:0", ("linux/amd64",), "docker", True, "c")
    assert (made.reference, made.pinned) == ("r/shop:1", "r/shop@sha256:0")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("get https://dev:s3cret@r.example.com/v2/", "get https://***@r.example.com/v2/"),
        ("Authorization: Basic ZGV2OnMzY3JldA==", "Authorization: Basic ***"),
        ('"Authorization": "Bearer eyJhbGciOi.J9-x"', '"Authorization": "Bearer ***"'),
        ("podman login -u dev --password s3cret r", "podman login -u dev --password *** r"),
        ("--creds=dev:s3cret", "--creds=***"),
        ('{"auth": "ZGV2OnMzY3JldA=="}', '{"auth": "***"}'),
        ("identitytoken=abc&x=1", "identitytoken=***&x=1"),
        ("unauthorized: authentication required", "unauthorized: authentication required"),
        ("docker push localhost:5000/shop@sha256:0", "docker push localhost:5000/shop@sha256:0"),
    ],
)
def test_logins_are_not_repeated(text, shown):
    assert redact(text) == shown
