"""Rules that change under load, step by step as the plan says: no call is lost."""

import threading
from collections import Counter

import pytest

from dubbopy_cli.targets.local import xds
from dubbopy_cli.traffic import edit, plan
from dubbopy_cli.traffic.model import DESTINATION_RULE, RuleSet
from tests.envoymesh import SERVICE

ALL_V1 = edit.set_weights(RuleSet(), SERVICE, {"v1": 100}, ("v1", "v2"))
ALL_V2 = edit.set_weights(RuleSet(), SERVICE, {"v2": 100}, ("v1", "v2"))
SPLIT = edit.set_weights(ALL_V1, SERVICE, {"v1": 50, "v2": 50}, ("v1", "v2"))
ADMIN = edit.match(ALL_V1, SERVICE, {"user": "admin"}, "v2", ("v1", "v2"))


class Load:
    """Calls one after the other from another thread, counted by what came back."""

    def __init__(self, mesh):
        self.mesh = mesh
        self.seen = Counter()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.done.is_set():
            answer = self.mesh.call()
            self.seen[answer.code] += 1

    def __enter__(self):
        self.thread.start()
        return self.seen

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def follow(mesh, wanted):
    """Do the steps of the plan, each as the target would see it: what an object says, in Envoy's files."""
    state = mesh.rules
    for step in plan(state, wanted):
        if step.action == "wait":
            continue
        state = state.drop(step.rule.key) if step.action == "delete" else state.put(step.rule)
        if step.rule.kind == DESTINATION_RULE:
            mesh.put_clusters(xds.clusters([mesh.application], state))
        else:
            mesh.put_routes(xds.routes(mesh.application, state))
    mesh.rules = wanted


@pytest.mark.slow
def test_no_call_is_lost_while_rules_and_subsets_come_and_go(mesh):
    mesh.apply(RuleSet())
    with Load(mesh) as seen:
        for _ in range(8):
            for wanted in (ALL_V1, ALL_V2, SPLIT, RuleSet(), ADMIN, ALL_V2, RuleSet()):
                follow(mesh, wanted)
    assert set(seen) == {"OK"}
    assert seen["OK"] > 100


def test_the_wrong_order_does_lose_calls(mesh):
    mesh.apply(ALL_V1)
    mesh.put_routes(xds.routes(mesh.application, ALL_V2))
    assert mesh.call().code == "UNAVAILABLE"
    mesh.put_clusters(xds.clusters([mesh.application], ALL_V2))
    assert mesh.call().version == "v2"


def test_what_did_not_change_has_the_same_text():
    endpoint = xds.MeshEndpoint("127.0.0.1", 1, "v1", "v1-0", {"dubbogoAppVersion": "v1"})
    app = xds.MeshApplication("greeter", "default", 20000, 1, (endpoint,))
    for make in (lambda: xds.clusters([app], ADMIN), lambda: xds.routes(app, ADMIN)):
        assert xds.render(make()) == xds.render(make())
    assert xds.routes(app, ADMIN)["version_info"] == xds.routes(app, RuleSet.of(reversed(ADMIN.rules)))["version_info"]
