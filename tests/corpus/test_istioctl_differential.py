"""What we say about objects is what Istio's own code says, for seeded changes of its cases and for made-up objects.

`istioctl validate` and the CRDs judge single objects, `istioctl analyze --use-kube=false` many together, and the same
analyzers in a cluster of these objects what istioctl leaves out of files. `make test-cluster` runs it, for they have
to be compiled. More objects: ``DUBBOPY_OBJECTS=20000``; others: ``DUBBOPY_OBJECTS_SEED=7``.
"""

import json
import os
from collections import Counter

import pytest
import yaml

from dubbopy_cli.traffic import validate
from dubbopy_cli.traffic.analysis import OF_RULES_ALONE, USUAL, analyze
from tests.cluster.harness import build
from tests.cluster.harness.progress import HarnessError
from tests.corpus.fields import Fields
from tests.corpus.meshes import RULES, WORKLOADS, Meshes
from tests.corpus.mutations import Mutator, Worlds
from tests.corpus.realistioctl import UNREAD, Istioctl, Judge, marked
from tests.corpus.texts import Texts

OBJECTS = int(os.environ.get("DUBBOPY_OBJECTS", "8000"))
SEED = int(os.environ.get("DUBBOPY_OBJECTS_SEED", "20261127"))
SOURCES = {"changed": Mutator, "grown": Fields, "worded": Texts}
# Of these codes Istio gives one for every fault of an object, and stops at others than we do.
ONE_OF_MANY = {"IST0106", "IST0133"}
# Istio takes from a Go map, so what it says of some objects changes from run to run; it is asked so often.
AGAIN = 30

# Where we say otherwise on purpose, each with what explains it; one that never comes to pass fails.
SINGLE = {
    "unknown-field": "istioctl refuses a field that nobody knows (validate.go: fromSchemaAndJSONMap), and of a key that"
    " is one the API server drops it: we warn",
    "newer-field": "our CRDs are those of Istio's main branch of 2026-08, which have ecdhCurves and backendUtilization",
    "empty": "validation_test.go holds `endpoints: []` and `ports: {}` to be good, the CRD's rules in CEL do not: an info",
    "regex": "Envoy's RE2 does not know all names of classes that Go's `regexp` has had since 1.25, such as \\p{Letter}",
}
TOGETHER = {
    "other-kinds": "`validate` judges the five kinds of traffic rules alone, so there is no IST0106 and IST0133 of others",
    "removed-kinds": "the file reader decodes a definition's spec as the whole of it (file/store.go: TranslateObject),"
    " so IST0002 of definitions is for clusters only",
}
JUDGED = ("VirtualService", "DestinationRule", "Gateway", "ServiceEntry", "WorkloadEntry")
NEWER = ("ecdhCurves", "backendUtilization")


def rule(kind, **spec):
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": kind,
        "metadata": {"name": "a", "namespace": "a"},
        "spec": spec,
    }


ROUTE = [{"destination": {"host": "a"}}]
# An object for each of SINGLE.
EXAMPLES = (
    rule("VirtualService", hosts=["a"], http=[{"route": ROUTE, "retry": {}}]),
    rule("DestinationRule", host="a", trafficPolicy={"loadBalancer": {"backendUtilization": {}}}),
    rule("WorkloadEntry", address="unix:///a", ports={}),
    rule("VirtualService", hosts=["a"], http=[{"route": ROUTE, "match": [{"uri": {"regex": r"\p{Letter}"}}]}]),
)


@pytest.fixture(scope="module")
def compiled():
    """The programs, built on first use."""
    try:
        source = build.istio_source()
        programs = build.istioctl(), build.program(Judge.SOURCE), source / Judge.CRDS
    except HarnessError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no istioctl: {error}")
    print(f"seed {SEED}")
    return programs


@pytest.fixture
def istioctl(compiled, tmp_path):
    return Istioctl(compiled[0], tmp_path)


@pytest.fixture(scope="module")
def judge(compiled):
    found = Judge(*compiled[1:])
    yield found
    found.close()


def single_reason(theirs, refusal, ours):
    """Return which of SINGLE explains that an object is judged otherwise."""
    said = "\n".join((*theirs.errors, refusal))
    codes = {one.code for one in ours}
    if any(one in said for one in NEWER) and "unknown field" in said:
        return "newer-field"
    if "unknown-field" in codes and "unknown field" in said:
        return "unknown-field"
    if codes & {"empty", "null"} and refusal and not theirs.errors:
        return "empty"
    errors = [one for one in ours if one.severity == "error"]
    if not said and errors and all("invalid character class range: \\p" in one.message for one in errors):
        return "regex"
    return None


@pytest.mark.parametrize("source", SOURCES)
def test_each_object_has_the_same_verdict(source, istioctl, judge):
    made = SOURCES[source](SEED)
    docs = [*EXAMPLES, *(made.doc() for _ in range(OBJECTS // 4))]
    verdicts, wrong, used = Counter(), [], Counter()
    for index, (doc, theirs) in enumerate(zip(docs, istioctl.validate(docs), strict=True)):
        refusal = judge.refusal(doc)
        ours = validate(marked(doc, index))
        refused = any(one.severity == "error" for one in ours)
        warned = any(one.severity == "warning" and one.code != "unknown-field" for one in ours)
        same = refused == bool(theirs.errors or refusal)
        if same and not (theirs.unread or refusal):
            same = warned == bool(theirs.warnings)
        verdicts[refused, warned] += 1
        reason = None if same else single_reason(theirs, refusal, ours)
        used[reason] += 1
        if not same and reason is None:
            wrong.append(shown([doc], [f"{theirs}, CRD: {refusal or 'good'}"], ours))
    assert not wrong, failure(wrong, len(docs))
    # What is refused for one fault alone hides the others, and what is always good proves nothing.
    assert min(verdicts[refused, warned] for refused in (True, False) for warned in (True, False)) > len(docs) / 200
    assert set(SINGLE) <= set(used)


def worlds(count):
    """Yield objects that are analyzed together, so many in all."""
    meshes, changed = Meshes(SEED), Worlds(SEED)
    while count > 0:
        for docs in (meshes.mesh(40, {**RULES, **WORKLOADS}), changed.docs(), changed.docs()):
            count -= len(docs)
            yield docs


def readable(docs, ask):
    """Return the objects that Istio can read, and what it says about them."""
    found, said = ask(docs)
    if said.startswith("panic"):
        return [], []
    bad = {int(one) for one in UNREAD.findall(said)}
    if bad:
        docs = [doc for index, doc in enumerate(docs) if index not in bad]
        found, _ = ask(docs)
    return docs, found


def counted(found):
    """Return how often each (code, severity, object) is said."""
    counts = Counter((one.code, getattr(one, "severity", None) or one.level, one.object) for one in found)
    return Counter({key: 1 if key[0] in ONE_OF_MANY else times for key, times in counts.items()})


def difference(docs, ours, found, ask, explain):
    """Return what Istio alone or we alone say, with its reason; but for what Istio does not say each time."""
    theirs, own = counted(found), counted(ours)
    reasons = {key: explain(key) for key in (theirs - own) | (own - theirs)}
    unexplained = {key for key, reason in reasons.items() if reason is None}
    for _ in range(AGAIN):
        if not unexplained:
            break
        theirs = counted(ask(docs)[0])
        unexplained &= set((theirs - own) | (own - theirs))
    return {key: reason for key, reason in reasons.items() if reason or key in unexplained}


def together_reason(key, judge, docs):
    """Return which of TOGETHER explains it."""
    code, _, name = key
    kind, place = name.split(" ", 1)
    if code in ONE_OF_MANY and kind not in JUDGED:
        return "other-kinds"
    if code == "IST0002" and kind == "CustomResourceDefinition":
        return "removed-kinds"
    own = [doc for doc in docs if doc["kind"] == kind and doc["metadata"]["name"] == place.rpartition("/")[2]]
    # The analyzers leave the CRDs to the API server.
    return "crd" if code == "IST0106" and any(map(judge.refusal, own)) else None


@pytest.mark.parametrize("where", ["files", "cluster"])
def test_objects_together_have_the_same_codes(where, istioctl, judge):
    ask = istioctl.analyze if where == "files" else judge.analyze
    seen, codes, wrong, used = 0, Counter(), [], set()
    for made in worlds(OBJECTS // 8):
        docs, found = readable(made, ask)
        seen += len(docs)
        ours = analyze(docs, only=OF_RULES_ALONE if where == "files" else USUAL)
        codes.update(one.code for one in found)
        differs = difference(docs, ours, found, ask, lambda key, docs=docs: together_reason(key, judge, docs))
        used |= set(differs.values())
        about = {key[2] for key, reason in differs.items() if reason is None}
        if about:
            named = [doc for doc in docs if any(one.endswith(doc["metadata"]["name"]) for one in about)]
            theirs = [f"{one.code} {one.object}: {one.text}" for one in found if one.object in about]
            alone = ", ".join(f"{code} of {name}" for code, _, name in differs)
            wrong.append(shown(named, theirs, [*(one for one in ours if one.object in about), f"different: {alone}"]))
    assert not wrong, failure(wrong, seen)
    assert seen >= OBJECTS // 8 * 0.9
    assert len(codes) >= (20 if where == "files" else 40), sorted(codes)
    assert set(TOGETHER) <= used


def shown(docs, theirs, ours):
    objects = "---\n".join(yaml.safe_dump(json.loads(json.dumps(doc)), sort_keys=False) for doc in docs)
    own = [one if isinstance(one, str) else f"{one.severity} {one.code} {one}" for one in ours]
    return "\n".join((objects, "Istio:", *(f"  {one}" for one in theirs), "We:", *(f"  {one}" for one in own)))


def failure(wrong, count):
    return f"seed {SEED}: {len(wrong)} of {count}; the first of them:\n" + "\n=====\n".join(wrong[:5])
