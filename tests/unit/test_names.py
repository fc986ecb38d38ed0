import pytest

from dubbopy_cli import names
from dubbopy_cli.errors import UsageError


@pytest.mark.parametrize("value", ["a", "dubbo-go-server", "v1", "a" * 50, "x9-9"])
def test_application_accepts_a_service_name(value):
    assert names.application(value) == value


@pytest.mark.parametrize("value", ["", "9a", "A", "-a", "a-", "a_b", "a.b", "a" * 51, "ä", "a b", "a\n"])
def test_application_refuses_what_no_service_can_be_called(value):
    with pytest.raises(UsageError) as refused:
        names.application(value)
    assert refused.value.code == "name-invalid"


def test_refusal_names_the_rule_and_a_near_name():
    with pytest.raises(UsageError) as refused:
        names.application("My Server")
    assert refused.value.message == (
        "'My Server' is not a valid application name: lower-case letters, digits and '-', "
        "starting with a letter, at most 50 characters"
    )
    assert refused.value.hint == "for example 'my-server'"


@pytest.mark.parametrize("value", ["v1", "2", "v1-0-0", "canary", "a" * 12])
def test_version_accepts_a_dns_label(value):
    assert names.version(value) == value


@pytest.mark.parametrize("value", ["", "v1.0", "V1", "v_1", "-v1", "a" * 13])
def test_version_refuses_what_is_no_subset_name(value):
    assert not names.accepts(names.version, value)


@pytest.mark.parametrize("value", ["1.0.0", "latest", "_x", "v1.2.3-rc.1", "A" * 128])
def test_tag_accepts_what_a_registry_accepts(value):
    assert names.tag(value) == value


@pytest.mark.parametrize("value", ["", ".1", "-1", "a/b", "a:b", "a" * 129, "1.0.0\n"])
def test_tag_refuses_what_a_registry_refuses(value):
    assert not names.accepts(names.tag, value)


@pytest.mark.parametrize(
    "value",
    ["app", "xxx/dubbo-go-server", "localhost:5000/app", "registry.cn-hangzhou.aliyuncs.com/ns/app", "a__b/c--d"],
)
def test_image_accepts_a_repository(value):
    assert names.image(value) == value


@pytest.mark.parametrize("value", ["", "App", "app:1.0", "//app", "app@sha256:0", "a..b", "$(your_repo)/x", "a/"])
def test_image_refuses_a_tag_and_a_placeholder(value):
    assert not names.accepts(names.image, value)


@pytest.mark.parametrize(("value", "number"), [("1", 1), (20000, 20000), ("65535", 65535)])
def test_port_returns_the_number(value, number):
    assert names.port(value) == number


@pytest.mark.parametrize("value", ["0", "65536", "-1", "a", "", "1.5", "\u0661"])
def test_port_refuses(value):
    assert not names.accepts(names.port, value)


@pytest.mark.parametrize("value", ["dubbo-go-server", "github.com/me/x.y", "example.com/a/v2"])
def test_go_module_accepts(value):
    assert names.go_module(value) == value


@pytest.mark.parametrize("value", ["", "/a", "a/", "a//b", "a b", "../a", "a/.", "C:\\a"])
def test_go_module_refuses(value):
    assert not names.accepts(names.go_module, value)


@pytest.mark.parametrize(
    ("value", "valid"), [("dubbo_server", True), ("a1", True), ("class", False), ("1a", False), ("A", False)]
)
def test_python_module(value, valid):
    assert names.accepts(names.python_module, value) is valid


@pytest.mark.parametrize(
    ("value", "slug"),
    [("My App", "my-app"), ("v2", "v2"), ("123", ""), ("9lives", "lives"), ("ünï", "n"), ("a__b", "a-b")],
)
def test_slug(value, slug):
    assert names.slug(value) == slug


def test_did_you_mean_is_silent_without_a_near_word():
    assert names.did_you_mean("dubo-server", ["dubbo-server"]) == " Did you mean 'dubbo-server'?"
    assert names.did_you_mean("x", ["dubbo-server"]) == ""
