import pytest

from dubbopy_cli.traffic.hosts import Service, closest, covers, namespace_of, resolve


@pytest.mark.parametrize(
    ("host", "namespace", "full"),
    [
        ("greeter", "default", "greeter.default.svc.cluster.local"),
        ("greeter", "prod", "greeter.prod.svc.cluster.local"),
        ("greeter.prod", "default", "greeter.prod"),
        ("greeter.default.svc.cluster.local", "prod", "greeter.default.svc.cluster.local"),
        ("*", "default", "*"),
        ("*.example.com", "default", "*.example.com"),
        ("10.1.2.3", "default", "10.1.2.3"),
        ("2a00:4000::614", "default", "2a00:4000::614"),
        ("", "default", ""),
    ],
)
def test_a_name_is_resolved_as_istiod_does(host, namespace, full):
    assert resolve(host, namespace) == full


@pytest.mark.parametrize(
    ("pattern", "host", "yes"),
    [
        ("foo.com", "foo.com", True),
        ("foo.com", "bar.foo.com", False),
        ("*.foo.com", "bar.foo.com", True),
        ("*.foo.com", "foo.com", False),
        ("*", "foo.com", True),
        ("*", "*", True),
        ("*.foo.com", "*.bar.foo.com", True),
        ("*.bar.foo.com", "*.foo.com", False),
        ("foo.com", "*.com", False),
    ],
)
def test_a_pattern_covers_a_host(pattern, host, yes):
    assert covers(pattern, host) is yes


@pytest.mark.parametrize(
    ("host", "patterns", "nearest"),
    [
        ("bar.foo.com", ["*.foo.com", "*.com"], "*.foo.com"),
        ("foo.com", ["*.foo.com", "*.com"], "*.com"),
        ("*.foo.com", ["foo.com", "*.com"], "*.com"),
        ("*.com", ["bar.com", "foo.com"], ""),
        ("bar.foo.bar.com", ["*.foo.bar.com", "bar.foo.bar.com"], "bar.foo.bar.com"),
        ("foo.com", [], ""),
    ],
)
def test_the_closest_pattern_wins(host, patterns, nearest):
    assert closest(host, patterns) == nearest
    assert closest(host, reversed(patterns)) == nearest


def test_a_service_names_its_clusters():
    service = Service("greeter", "prod", 20000)
    assert service.cluster() == "outbound|20000||greeter.prod.svc.cluster.local"
    assert service.cluster("v1") == "outbound|20000|v1|greeter.prod.svc.cluster.local"
    assert namespace_of(service.fqdn) == "prod"
    assert namespace_of("example.com") == ""
