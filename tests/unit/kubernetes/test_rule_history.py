"""What is left of the history of rules when an application goes."""

import json
from dataclasses import replace

import pytest

from dubbopy_cli.targets.kubernetes import rules
from dubbopy_cli.targets.kubernetes.kubectl import Kubectl
from dubbopy_cli.traffic import edit
from dubbopy_cli.traffic.history import dumps, loads, record
from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.model import RuleSet
from tests.fakes import FakeRunner

SHOP, CART = Service("shop", "shops"), Service("cart", "shops")


class Noting(FakeRunner):
    """Keep what stands on stdin too."""

    def run(self, argv, *, stdin=None, **options):
        self.written = stdin
        return super().run(argv, stdin=stdin, **options)


@pytest.fixture
def noting(cluster):
    fake = Noting()
    yield replace(cluster, kubectl=Kubectl(fake, "prod", "shops")), fake
    fake.done()


def recorded(cluster, *states):
    """Return the history of one run a state, each from the one before."""
    past, before = (), RuleSet()
    for number, after in enumerate(states):
        past, before = record(past, replace(cluster.origin, run=str(number)), before, after, float(number)), after
    return past


def found(cluster, fake, past):
    node = {"metadata": {"name": rules.HISTORY, "resourceVersion": "7"}, "data": {"changes": dumps(past)}}
    fake.expect(*cluster.kubectl.argv("get", "configmap", rules.HISTORY), stdout=json.dumps(node) if past else "")


def test_what_is_about_others_stays(noting):
    cluster, fake = noting
    shop = edit.set_weights(RuleSet(), SHOP, {"v1": 100}, ["v1"])
    both = edit.set_weights(RuleSet(), SHOP, {"v1": 50, "v2": 50}, ["v1", "v2"])
    found(cluster, fake, recorded(cluster, shop, edit.set_weights(both, CART, {"v1": 100}, ["v1"])))
    fake.expect(*cluster.kubectl.argv("replace", "--filename", "-"))
    rules.forget(cluster, SHOP)
    document = json.loads(fake.written)
    assert document["metadata"]["resourceVersion"] == "7"
    (left,) = loads(document["data"]["changes"], "it")
    assert (left.number, {(one.kind, one.name) for one in left.objects}) == (
        2,
        {("DestinationRule", "cart"), ("VirtualService", "cart")},
    )


def test_the_last_application_takes_the_configmap_along(noting):
    cluster, fake = noting
    found(cluster, fake, recorded(cluster, edit.set_weights(RuleSet(), SHOP, {"v1": 100}, ["v1"]), RuleSet()))
    fake.expect(*cluster.kubectl.argv("delete", "configmap", rules.HISTORY, "--ignore-not-found"))
    rules.forget(cluster, SHOP)


@pytest.mark.parametrize("others", [True, False])
def test_a_history_without_the_application_is_left_alone(noting, others):
    cluster, fake = noting
    states = [edit.set_weights(RuleSet(), CART, {"v1": 100}, ["v1"])] if others else []
    found(cluster, fake, recorded(cluster, *states))
    rules.forget(cluster, SHOP)
