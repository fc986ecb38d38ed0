import pytest

from dubbopy_cli.errors import ConflictError
from dubbopy_cli.traffic import edit, plan
from dubbopy_cli.traffic.model import DESTINATION_RULE, VIRTUAL_SERVICE, RuleSet
from tests.rules import SERVICE, destination_rule, rule, rules, to, virtual_service

BOTH = ("v1", "v2")


def steps(seen, wanted):
    return [
        (one.action, one.rule.kind, [sub["name"] for sub in one.rule.spec.get("subsets", [])])
        for one in plan(seen, wanted)
    ]


def routed(*subsets):
    return rules(destination_rule(*subsets), virtual_service({"route": [to(one, 1) for one in subsets]}))


DR, VS = DESTINATION_RULE, VIRTUAL_SERVICE


@pytest.mark.parametrize(
    ("seen", "wanted", "expected"),
    [
        (rules(), rules(), []),
        (routed("v1"), routed("v1"), []),
        (rules(), routed("v1"), [("apply", DR, ["v1"]), ("wait", DR, ["v1"]), ("apply", VS, [])]),
        (routed("v1"), rules(), [("delete", VS, []), ("wait", VS, []), ("delete", DR, ["v1"])]),
        (
            routed("v1"),
            routed("v1", "v2"),
            [("apply", DR, ["v1", "v2"]), ("wait", DR, ["v1", "v2"]), ("apply", VS, [])],
        ),
        (
            routed("v1", "v2"),
            routed("v2"),
            [("apply", VS, []), ("wait", VS, []), ("apply", DR, ["v2"])],
        ),
        (
            routed("v1"),
            routed("v2"),
            [
                ("apply", DR, ["v1", "v2"]),
                ("wait", DR, ["v1", "v2"]),
                ("apply", VS, []),
                ("wait", VS, []),
                ("apply", DR, ["v2"]),
            ],
        ),
    ],
)
def test_subsets_come_before_the_routes_that_use_them_and_go_after(seen, wanted, expected):
    assert steps(seen, wanted) == expected


def test_a_new_virtual_service_comes_before_the_old_one_goes():
    old, new = virtual_service({"route": [to("v1")]}, name="old"), virtual_service({"route": [to("v1")]}, name="new")
    found = plan(rules(old), rules(new))
    assert [(one.action, one.rule.name) for one in found] == [("apply", "new"), ("delete", "old")]


def test_comments_and_style_are_no_change():
    assert not plan(rules(destination_rule("v1")), RuleSet.of([destination_rule("v1")]))


def test_a_host_that_moves_is_refused_while_its_subsets_are_used():
    moved = destination_rule("v1", host="other")
    with pytest.raises(ConflictError) as caught:
        plan(routed("v1"), rules(moved))
    assert (
        "would move from greeter.default.svc.cluster.local to other.default.svc.cluster.local" in caught.value.message
    )
    assert [one.action for one in plan(rules(destination_rule("v1")), rules(moved))] == ["apply"]


def test_steps_say_what_they_do():
    found = plan(routed("v1"), edit.set_weights(routed("v1"), SERVICE, {"v2": 100}, BOTH))
    assert [one.title for one in found] == [
        "apply DestinationRule default/greeter",
        "wait until the proxies have DestinationRule default/greeter",
        "apply VirtualService default/greeter",
    ]
    assert next(one.title for one in plan(routed("v1"), routed("v2"))).endswith(
        "(with the subsets of before and after)"
    )
    assert plan(rules(rule("Sidecar", {})), rules()).steps[0].title == "delete Sidecar default/greeter"
