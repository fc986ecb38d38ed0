"""The Lease of a command: waited for, renewed late, lost to another one, and not to be had at all."""

import json

import pytest

from dubbopy_cli.plan import Plan, Step
from dubbopy_cli.process import Completed
from dubbopy_cli.targets.kubernetes import lease, rules
from dubbopy_cli.targets.kubernetes.cluster import Cluster
from dubbopy_cli.targets.kubernetes.helm import Helm
from dubbopy_cli.targets.kubernetes.kubectl import Kubectl
from dubbopy_cli.targets.kubernetes.target import KubernetesTarget
from dubbopy_cli.traffic.history import Origin
from dubbopy_cli.traffic.model import RuleSet
from tests.errortexts import Told


class Leases:
    """A kubectl that knows one Lease and nothing else."""

    def __init__(self):
        self.one = None
        self.version = 0
        self.refusal = ""

    def run(self, argv, *, stdin=None, **_):
        verb = next(word for word in argv if word in {"get", "create", "replace", "delete"})
        wanted = json.loads(stdin) if stdin else {}
        if verb == "get":
            return Completed(tuple(argv), 0, json.dumps(self.one) if self.one else "", "")
        if self.refusal:
            return Completed(tuple(argv), 1, "", self.refusal)
        known = wanted.get("preconditions", wanted.get("metadata", {})).get("resourceVersion")
        if verb != "create" and known != str(self.version):
            return Completed(tuple(argv), 1, "", "Error from server (Conflict): the object has been modified")
        if verb == "create" and self.one:
            return Completed(tuple(argv), 1, "", "Error from server (AlreadyExists): leases already exists")
        self.put(None if verb == "delete" else wanted)
        return Completed(tuple(argv), 0, json.dumps(self.one), "")

    def put(self, one):
        self.version += 1
        self.one = one and {**one, "metadata": {**one["metadata"], "resourceVersion": str(self.version)}}

    def take(self, holder):
        """Let another command hold it."""
        self.put({**self.one, "spec": {**self.one["spec"], "holderIdentity": holder}})


@pytest.fixture
def leases():
    return Leases()


@pytest.fixture
def target(programs, leases):
    tools = Kubectl(leases, "prod", "shops"), Helm(leases, "prod", "shops")
    return KubernetesTarget(Cluster("shops", *tools, lambda _: None, Origin("x", "a@b", "r1")))


@pytest.fixture
def apply(target, monkeypatch):
    """Return what applies a change of given steps under the lock."""

    def run(*actions):
        monkeypatch.setattr(rules, "apply", lambda *_, **__: Plan(tuple(Step("", one) for one in actions)))
        with target.exclusive():
            target.apply_rules(RuleSet()).apply()

    return run


@pytest.fixture
def late(monkeypatch):
    """Let every renewal be late."""
    monkeypatch.setattr(lease, "_SURE_SECONDS", 0)


def test_a_lease_is_gone_when_the_command_has_ended(apply, leases):
    seen = []
    apply(lambda: seen.append(leases.one["spec"]["holderIdentity"].partition(":")[0]))
    assert (seen, leases.one) == (["a@b"], None)


def test_a_lease_whose_last_renewal_was_not_answered_is_taken_away_nevertheless(apply, leases):
    apply(lambda: leases.put(leases.one))
    assert leases.one is None


def test_a_lease_that_another_command_has_taken_over_stays(apply, leases):
    apply(lambda: leases.take("bob@c:7"))
    assert leases.one["spec"]["holderIdentity"] == "bob@c:7"


@pytest.mark.usefixtures("late")
def test_a_renewal_that_is_late_is_made_up_for(apply, leases):
    versions = []
    apply(*[lambda: versions.append(leases.version)] * 3)
    assert versions == [2, 3, 4]


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize(
    ("lose", "now"),
    [
        (lambda leases: leases.take("bob@c:7"), "belongs to another dubbopy-cli (bob@c:7) by now"),
        (lambda leases: leases.put(None), "is gone"),
    ],
)
def test_a_command_that_lost_its_lease_stops_before_its_next_change(desk, apply, leases, lose, now):
    done = []
    steps = [lambda: done.append("one"), lambda: lose(leases), lambda: done.append("three")]
    assert desk.told(lambda: apply(*steps)) == Told(
        6,
        f"Error: the lease dubbopy of this command {now}: it was not renewed in time, so nothing more is changed\n\n"
        "Try: wait until the other command has finished, then type the same one again\n[lock-lost]\n",
    )
    assert done == ["one"]
    assert (leases.one and leases.one["spec"]["holderIdentity"]) in {None, "bob@c:7"}


def test_a_namespace_that_is_not_there_has_no_lease_to_wait_for(desk, target, leases):
    leases.refusal = 'Error from server (NotFound): namespaces "shops" not found'

    def hold():
        with target.exclusive():
            pass

    assert desk.told(hold) == Told(
        3, "Error: there is no namespace shops\n\nTry: kubectl create namespace shops\n[namespace-missing]\n"
    )
