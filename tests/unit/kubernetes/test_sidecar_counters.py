"""What sidecars have counted, read through kubectl: as Istio's proxies answer."""

import json

from dubbopy_cli.targets.kubernetes import counters
from dubbopy_cli.targets.kubernetes.view import NAME_LABEL
from dubbopy_cli.traffic.counters import Counters, Counts, between
from dubbopy_cli.traffic.model import version_labels
from tests.errortexts import Told

HOST = "shop.shops.svc.cluster.local"
LOG = "2026-01-01T00:00:00.000000Z\tinfo\tsome line of pilot-agent\n"


class Shops:
    """A namespace with pods of shop, which have no sidecars here, and of callers."""

    def __init__(self, cluster, *callers):
        self.cluster = cluster
        pods = [pod(f"shop-{one}", f"10.0.0.{one[1:]}", version_labels("shop", one), "app") for one in ("v1", "v2")]
        pods += [pod(one, "10.0.1.1", {NAME_LABEL: one}, "app", "istio-proxy") for one in callers]
        self.expect("get", "pods", stdout=items(pods))

    def expect(self, *words, **answer):
        self.cluster.kubectl.runner.expect(*self.cluster.kubectl.argv(), *words, **answer)

    def answers(self, caller, endpoints, times=(), *, ok=True):
        ask = ("exec", caller, "--container", "istio-proxy", "--", "pilot-agent", "request", "GET")
        if not ok:
            self.expect(*ask, stderr="Error from server (Forbidden): pods is forbidden\n", returncode=1)
            return
        self.expect(*ask, counters._HOSTS, stdout=LOG + json.dumps({"cluster_statuses": endpoints}))
        self.expect(*ask, counters._TIMES, stdout=LOG + json.dumps({"stats": list(times)}))

    def read(self):
        return counters.read(self.cluster, "shop")


def items(found):
    return json.dumps({"items": found})


def pod(name, address, labels, *containers):
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [{"name": one} for one in containers]},
        "status": {"podIP": address, "conditions": [{"type": "Ready", "status": "True"}]},
    }


def endpoint(subset, address, host=HOST, **stats):
    return {
        "name": f"outbound|20000|{subset}|{host}",
        "host_statuses": [
            {
                "address": {"socket_address": {"address": address, "port_value": 20000}},
                # As Envoy writes them: texts, and none for 0.
                "stats": [{"name": key, **({"value": str(value)} if value else {})} for key, value in stats.items()],
            }
        ],
    }


def times(subset, *bins, what="upstream_rq_time"):
    totals = [{"lower_bound": lower, "width": width, "count": count} for lower, width, count in bins]
    name = f"cluster.outbound|20000|{subset}|{HOST};.{what}"
    return {"histograms": {"details": [{"name": name, "totals": totals}]}}


def test_calls_of_every_caller_by_the_version_of_the_pod_and_times_by_the_cluster(cluster):
    shops = Shops(cluster, "web", "job")
    shops.answers(
        "web",
        [
            endpoint("v1", "10.0.0.1", rq_success=7, rq_error=0, rq_total=8),
            endpoint("v2", "10.0.0.2", rq_success=0, rq_error=3),
            # Of another application, and of a pod that has gone.
            endpoint("v1", "10.0.0.1", host="shop.other.svc.cluster.local", rq_success=99, rq_error=0),
            endpoint("v1", "10.0.0.9", rq_success=99, rq_error=0),
            endpoint("", "10.0.0.1", rq_success=2, rq_error=1),
            endpoint("", "10.0.0.2", rq_success=1, rq_error=0),
            {"name": f"outbound|20000|v3|{HOST}"},
        ],
        [
            times("v1", (1, 0.1, 4), (200, 10, 1)),
            times("v2", (0, 0, 3)),
            # Two versions are in it, so it says nothing of either.
            times("", (5, 0.1, 9)),
            times("v1", (1, 0.1, 4), what="external.upstream_rq_time"),
        ],
    )
    shops.answers("job", [endpoint("v2", "10.0.0.2", rq_success=1, rq_error=0)])
    found = shops.read()
    whole, v1, v2 = (f"outbound|20000|{subset}|{HOST}" for subset in ("", "v1", "v2"))
    assert found.sources == {
        f"web {v1} 10.0.0.1": {"v1": Counts(7, 0)},
        f"web {v2} 10.0.0.2": {"v2": Counts(3, 3)},
        f"web {whole} 10.0.0.1": {"v1": Counts(3, 1)},
        f"web {whole} 10.0.0.2": {"v2": Counts(1, 0)},
        f"web {v1}": {"v1": Counts(0, 0, {1: 4, 204.5: 1})},
        f"web {v2}": {"v2": Counts(0, 0, {0: 3})},
        f"job {v2} 10.0.0.2": {"v2": Counts(1, 0)},
    }
    summed = between(Counters(0), found).versions
    assert {version: (one.calls, one.errors) for version, one in summed.items()} == {"v1": (10, 1), "v2": (5, 3)}


def test_a_caller_that_may_not_be_asked_is_left_out(cluster):
    shops = Shops(cluster, "web", "job")
    shops.answers("web", [endpoint("v1", "10.0.0.1", rq_success=7, rq_error=0)])
    shops.answers("job", [], ok=False)
    assert shops.read().sources == {f"web outbound|20000|v1|{HOST} 10.0.0.1": {"v1": Counts(7, 0)}}


def test_nobody_who_counts(cluster, desk):
    assert desk.told(Shops(cluster).read) == Told(
        4,
        "Error: nobody says how many calls shop got: no pod that is ready has a sidecar\n\n"
        "Try: dubbopy-cli doctor --namespace shops\n[counters-missing]\n",
    )


def test_nobody_who_may_be_asked(cluster, desk):
    shops = Shops(cluster, "web")
    shops.answers("web", [], ok=False)
    assert desk.told(shops.read) == Told(
        4,
        "Error: nobody says how many calls shop got: the sidecars may not be asked\n\n"
        "Try: dubbopy-cli doctor --namespace shops\n[counters-missing]\n",
    )
