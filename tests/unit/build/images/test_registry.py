import base64
import json

import pytest

from dubbopy_cli.build.images import credentials
from dubbopy_cli.build.images.credentials import TOKEN_USER, Credential
from dubbopy_cli.build.images.registry import Held, Registry
from dubbopy_cli.errors import UnreachableError
from tests.fakes import FakeRunner

AUTH = base64.b64encode(b"dev:s3cret-of-a-test").decode()


def registry_of(fake, credential=None):
    return Registry(f"{fake.host}/team/shop", "podman", credential, insecure=True)


def test_a_free_tag_an_image_and_an_index(registry):
    here = registry_of(registry)
    assert here.held("1") is None
    digest = registry.put("team/shop", "1", "c1")
    assert here.held("1") == Held(digest, ("linux/amd64",), "c1")
    digest = registry.put("team/shop", "2", "c1", "linux/amd64", "linux/arm64")
    assert here.held("2") == Held(digest, ("linux/amd64", "linux/arm64"), "c1")
    digest = registry.put("team/shop", "3", "")
    assert here.held("3") == Held(digest, ("linux/amd64",), "")


def test_an_index_of_two_contents_has_none(registry):
    registry.put("team/shop", "1", "c1", "linux/amd64", "linux/arm64")
    other = registry.put("team/shop", "2", "c2")
    kind, body = registry.files["team/shop/manifests/1"]
    index = json.loads(body)
    index["manifests"][1]["digest"] = other
    registry.files["team/shop/manifests/1"] = (kind, json.dumps(index).encode())
    registry.files[f"team/shop/manifests/{other}"] = registry.files["team/shop/manifests/2"]
    assert registry_of(registry).held("1").content == ""


@pytest.mark.parametrize(
    ("login", "credential"),
    [
        ("basic", Credential("dev", "s3cret-of-a-test")),
        ("bearer", Credential("dev", "s3cret-of-a-test")),
        ("bearer", Credential(TOKEN_USER, "s3cret-of-a-test")),
    ],
)
def test_a_login_opens_the_registry(registry, login, credential):
    registry.login = login
    digest = registry.put("team/shop", "1", "c1")
    assert registry_of(registry, credential).held("1").digest == digest
    # The first question is a stranger's: nobody who does not ask for a login is given one.
    assert registry.asked[0] == "GET /v2/team/shop/manifests/1"


@pytest.mark.parametrize("login", ["basic", "bearer"])
def test_a_wrong_login_does_not(registry, login):
    registry.login = login
    with pytest.raises(UnreachableError) as refused:
        registry_of(registry, Credential("dev", "wrong")).held("1")
    assert refused.value.code == "registry-denied"
    assert "wrong" not in refused.value.message + refused.value.details + refused.value.hint


def test_a_login_is_not_given_to_a_token_service_without_tls(registry):
    registry.login = "bearer"
    strict = Registry(f"{registry.host}/team/shop", "podman", Credential("dev", "s3cret-of-a-test"))
    with pytest.raises(UnreachableError):
        strict.held("1")
    assert not [line for line in registry.asked if "Basic" in line or "/token" in line]


def test_a_secret_is_not_shown():
    assert "s3cret" not in repr(Credential("dev", "s3cret"))


@pytest.fixture
def stores(tmp_path, monkeypatch):
    """Return a function that writes a builder's store."""
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(credentials.os, "getuid", lambda: 4711)

    def write(name, document):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return write


FOUND = Credential("dev", "s3cret-of-a-test")


@pytest.mark.parametrize("builder", ["docker", "podman", "buildah"])
def test_each_builder_has_the_store_of_its_own_login(stores, builder):
    runner = FakeRunner()
    assert credentials.find(builder, "r.example.com", "team/shop", runner) is None
    stores(".config/containers/auth.json", {"auths": {"r.example.com": {"auth": AUTH}}})
    found = credentials.find(builder, "r.example.com", "team/shop", runner)
    assert found == (None if builder == "docker" else FOUND)
    stores(".docker/config.json", {"auths": {"https://r.example.com": {"auth": AUTH}}})
    assert credentials.find(builder, "r.example.com", "team/shop", runner) == FOUND
    assert credentials.find(builder, "other.example.com", "team/shop", runner) is None


def test_a_store_can_be_named(stores, monkeypatch):
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(stores("a.json", {"auths": {"r.example.com": {"auth": AUTH}}})))
    monkeypatch.setenv("DOCKER_CONFIG", str(stores("d/config.json", {"auths": {}}).parent))
    assert credentials.find("podman", "r.example.com", "x", FakeRunner()) == FOUND
    assert credentials.find("docker", "r.example.com", "x", FakeRunner()) is None


def test_the_login_of_a_part_of_a_registry_wins(stores):
    other = base64.b64encode(b"other:x").decode()
    stores(
        ".config/containers/auth.json",
        {"auths": {"r.example.com": {"auth": other}, "r.example.com/team": {"auth": AUTH}}},
    )
    assert credentials.find("podman", "r.example.com", "team/shop", FakeRunner()) == FOUND
    assert credentials.find("podman", "r.example.com", "else/shop", FakeRunner()) == Credential("other", "x")


def test_docker_hub_has_a_key_of_its_own(stores):
    stores(".docker/config.json", {"auths": {"https://index.docker.io/v1/": {"auth": AUTH}}})
    assert credentials.find("docker", "docker.io", "team/shop", FakeRunner()) == FOUND


def test_an_identity_token(stores):
    stores(".docker/config.json", {"auths": {"r.example.com": {"identitytoken": "t"}}})
    assert credentials.find("docker", "r.example.com", "x", FakeRunner()) == Credential(TOKEN_USER, "t")


@pytest.mark.parametrize("key", ["credHelpers", "credsStore"])
def test_a_credential_helper_is_asked(stores, key):
    stores(".docker/config.json", {key: {"r.example.com": "vault"} if key == "credHelpers" else "vault", "auths": {}})
    runner = FakeRunner()
    runner.expect("docker-credential-vault", "get", stdout='{"Username": "dev", "Secret": "s3cret-of-a-test"}')
    assert credentials.find("docker", "r.example.com", "x", runner) == FOUND
    runner.done()


@pytest.mark.parametrize("answer", [{"returncode": 1, "stdout": "credentials not found"}, {"stdout": "[]"}])
def test_a_helper_without_an_answer_is_no_login(stores, answer):
    stores(".docker/config.json", {"credsStore": "vault"})
    runner = FakeRunner()
    runner.expect("docker-credential-vault", "get", **answer)
    assert credentials.find("docker", "r.example.com", "x", runner) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"auths": []}', '{"auths": {"r.example.com": {"auth": "%"}}}'])
def test_a_damaged_store_is_no_login(stores, text):
    stores(".docker/config.json", text)
    assert credentials.find("docker", "r.example.com", "x", FakeRunner()) is None
