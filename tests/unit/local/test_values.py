"""The pure parts of the local target."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubbopy_cli.targets.base import Reference
from dubbopy_cli.targets.local import ports
from dubbopy_cli.targets.local.paths import Paths
from dubbopy_cli.targets.local.state import AppRecord, InstanceRecord, ReleaseRecord, Revision, State
from dubbopy_cli.targets.local.statejson import from_dict
from dubbopy_cli.targets.local.wanted import wanted
from dubbopy_cli.traffic import edit, leaving
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet

SERVICE = Service("server")

names = st.text("abcdef-", min_size=1, max_size=8)
numbers = st.integers(0, 65535)
instances = st.builds(InstanceRecord, names, numbers, st.sampled_from(["starting", "serving", "draining"]), numbers)
revisions = st.builds(
    Revision,
    number=numbers,
    tag=names,
    digest=names,
    command=st.lists(st.text(), max_size=3).map(tuple),
    env=st.dictionaries(st.text(), st.text(), max_size=3),
    references=st.lists(st.builds(Reference, names, numbers), max_size=2).map(tuple),
    replicas=numbers,
    deployed=st.floats(0, 1e12),
)
releases = st.builds(
    ReleaseRecord,
    names,
    numbers,
    st.lists(revisions, max_size=2).map(tuple),
    st.lists(instances, max_size=3).map(tuple),
)
apps = st.builds(
    AppRecord, names, st.sampled_from(["server", "client"]), numbers, numbers, st.lists(releases, max_size=2).map(tuple)
)


@given(st.builds(State, st.booleans(), numbers, names, st.lists(apps, max_size=3).map(tuple)))
def test_a_state_survives_being_written(state):
    assert from_dict(json.loads(json.dumps(state.to_dict()))) == state


@pytest.mark.parametrize(
    ("path", "value"),
    [(("running",), 1), (("admin",), "x"), (("applications", 0, "role"), "boss"), (("applications", 0, "port"), None)],
)
def test_a_state_of_another_shape_is_not_taken(path, value):
    document = State(True, 1, "", (AppRecord("a", "server", 1, 2),)).to_dict()
    document = json.loads(json.dumps(document))
    node = document
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    with pytest.raises((TypeError, ValueError, KeyError)):
        from_dict(document)


def revision(number, **more):
    return Revision(number, "1.0.0", f"d{number}", ("{release}/app", "-c", "{release}/x"), {"CONF": "{release}/c.yaml"}, **{"references": (), "replicas": 1, **more})  # fmt: skip


def state():
    serving = (InstanceRecord("s-r1-0", 21001, "serving", 1), InstanceRecord("s-r1-1", 21002, "draining", 1))
    v1 = ReleaseRecord("v1", 1, (revision(1),), serving)
    v2 = ReleaseRecord("v2", 0, (revision(1),), (InstanceRecord("t-r1-0", 21003, "starting", 1),))
    client = ReleaseRecord(
        "v1", 1, (revision(1, references=(Reference("server", 20000),)),), (InstanceRecord("c-r1-0", 0, "serving", 1),)
    )
    return State(
        True,
        29000,
        "/bin/envoy",
        (AppRecord("client", "client", 20000, 0, (client,)), AppRecord("server", "server", 20000, 20007, (v1, v2))),
    )


def test_only_serving_instances_are_in_the_mesh(tmp_path):
    found = wanted(Paths(tmp_path), "default", state(), RuleSet())
    (cluster,) = found.files.clusters["resources"]
    (group,) = cluster["load_assignment"]["endpoints"]
    places = [one["endpoint"]["address"]["socket_address"] for one in group["lb_endpoints"]]
    assert places == [{"address": "127.0.0.1", "port_value": 21001}]
    assert found.files.routes.keys() == {"server"}
    (listener,) = found.files.listeners["resources"]
    assert listener["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 20007}


def test_programs_know_their_folder_and_their_addresses(tmp_path):
    programs = {one.name: one for one in wanted(Paths(tmp_path), "default", state(), RuleSet()).programs}
    assert programs.keys() == {"envoy", "s-r1-0", "s-r1-1", "t-r1-0", "c-r1-0"}
    folder = tmp_path / "releases/server-v1/d1"
    server = programs["s-r1-0"]
    assert server.argv == (f"{folder}/app", "-c", f"{folder}/x")
    assert server.cwd == folder
    assert server.env == {"CONF": f"{folder}/c.yaml", "DUBBO_HOST": "127.0.0.1", "DUBBO_PORT": "21001"}
    client = programs["c-r1-0"]
    assert client.env["DUBBO_SERVER_URL"] == "tri://127.0.0.1:20007"
    assert "DUBBO_PORT" not in client.env
    assert programs["envoy"].priority < server.priority < client.priority


def test_ports_are_chosen_among_the_free_and_not_the_given():
    assert ports.choose(set(), wish=0) in range(ports.FIRST, ports.LAST + 1)
    with pytest.raises(Exception, match="no port from"):
        ports.choose(set(range(ports.FIRST, ports.LAST + 1)))


def split(rules):
    (rule,) = rules.of_kind("VirtualService")
    return [
        {one["destination"].get("subset"): one.get("weight") for one in route["route"]} for route in rule.spec["http"]
    ]


def test_a_leaving_version_gives_its_share_to_the_largest():
    rules = edit.set_weights(RuleSet(), SERVICE, {"v1": 60, "v2": 30, "v3": 10}, ["v1", "v2", "v3"])
    assert leaving.routes_to(rules, SERVICE, "v3") == ("default",)
    assert split(leaving.without_routes(rules, SERVICE, "v3")) == [{"v1": 70, "v2": 30}]
    assert split(leaving.without_routes(rules, SERVICE, "v1")) == [{"v2": 90, "v3": 10}]
    assert leaving.routes_to(rules, SERVICE, "v4") == ()
    assert leaving.without_routes(rules, SERVICE, "v4") == rules


def test_a_leaving_version_takes_its_header_route_and_a_last_one_all_rules_with_it():
    rules = edit.set_weights(RuleSet(), SERVICE, {"v1": 100}, ["v1", "v2"])
    rules = edit.match(rules, SERVICE, {"user": "admin"}, "v2", ["v1", "v2"])
    assert leaving.routes_to(rules, SERVICE, "v2") == ("user-admin",)
    assert len(split(leaving.without_routes(rules, SERVICE, "v2"))) == 1
    only = edit.set_weights(RuleSet(), SERVICE, {"v1": 100}, ["v1"])
    assert leaving.without_routes(only, SERVICE, "v1") == RuleSet()
    assert leaving.without_application(rules, [SERVICE]) == RuleSet()
    assert len(leaving.without_application(rules, [Service("other")])) == 2


def test_a_mirror_counts_as_calls():
    rules = edit.set_weights(RuleSet(), SERVICE, {"v1": 100}, ["v1", "v2"])
    rules = edit.subsets(rules, SERVICE, ["v2"])
    (rule,) = rules.of_kind("VirtualService")
    rule.document["spec"]["http"][0]["mirror"] = {"host": SERVICE.fqdn, "subset": "v2"}
    assert leaving.routes_to(rules, SERVICE, "v2") == ("default",)
