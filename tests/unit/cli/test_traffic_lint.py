"""`traffic lint`: the whole of what it says, and when its exit code is 6."""

import json

import pytest

from dubbopy_cli.traffic.hosts import Service
from dubbopy_cli.traffic.lint import of_namespace
from tests.errortexts import Told
from tests.rules import (
    SERVICE,
    SOURCE_90_10,
    SOURCE_ADMIN_TO_V2,
    SOURCE_DESTINATION_RULE,
    destination_rule,
    rules,
    to,
    virtual_service,
)

WORLD = """\
apiVersion: v1
kind: Service
metadata: {name: dubbo-go-server}
spec: {selector: {app: x}, ports: [{name: triple, port: 20000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: dubbo-go-server-v1}
spec: {template: {metadata: {labels: {app: x, dubbogoAppVersion: v1}}, spec: {containers: []}}}
"""
BAD = SOURCE_ADMIN_TO_V2.replace("subset: v2", "subset: v9")
UNKNOWN = """\
VirtualService default/dubbo-go-server
  error IST0101 at bad.yaml:14 spec.http[0].route[0].destination
    the host+subset in destinationrule 'dubbo-go-server+v9' that it refers to does not exist
"""


@pytest.fixture
def files(desk):
    desk.write(
        {
            "dr.yaml": SOURCE_DESTINATION_RULE,
            "vs.yaml": SOURCE_ADMIN_TO_V2,
            "bad.yaml": BAD,
            "world.yaml": WORLD,
            "broken.yaml": "kind: [\n",
            "tab.yaml": "kind:\n\tx: 1\n",
        }
    )
    return desk


def lint(desk, *words):
    done = desk.cli("traffic", "lint", *words)
    return done.code, done.out


def test_the_source_s_files_have_nothing_against_them(files):
    assert lint(files, "-f", "dr.yaml", "-f", "vs.yaml") == (
        0,
        "no findings about 2 objects in 2 files (1 more with --all)\n",
    )
    assert lint(files, "-f", "dr.yaml", "-f", "vs.yaml", "--all") == (
        0,
        "Everything\n  info services-not-given\n    no Service is given, so nobody can tell whether there is "
        "dubbo-go-server.default.svc.cluster.local\n\n1 info about 2 objects in 2 files\n",
    )


def test_findings_stand_by_object_with_their_lines(files):
    assert lint(files, "-f", "dr.yaml", "-f", "bad.yaml") == (
        6,
        UNKNOWN + "\n1 error about 2 objects in 2 files (1 more with --all)\n",
    )


def test_broken_files_are_findings_and_the_others_are_read(files):
    assert lint(files, "-f", "broken.yaml", "-f", "dr.yaml", "-f", "tab.yaml", "-f", "bad.yaml") == (
        6,
        "File broken.yaml\n  error rules-invalid at broken.yaml:2\n"
        "    not valid YAML: did not find expected node content\n"
        "File tab.yaml\n  error rules-invalid at tab.yaml:2\n"
        "    a tab; YAML is indented by spaces alone\n"
        + UNKNOWN
        + "\n3 errors about 2 objects in 4 files (1 more with --all)\n",
    )


def test_services_and_workloads_in_files_are_looked_at(files):
    v2 = "DestinationRule default/dubbo-go-server\n  error IST0173 at dr.yaml:11 spec.subsets[1]\n"
    text = "    subset v2 selects no pod, so calls to it end in a 503 (UH)\n"
    words = ("-f", "dr.yaml", "-f", "vs.yaml", "-f", "world.yaml")
    assert lint(files, *words) == (6, f"{v2}{text}\n1 error about 4 objects in 3 files (1 more with --all)\n")
    assert lint(files, *words, "--suppress", "IST0173=DestinationRule/*/dubbo-*") == (
        0,
        "no findings about 4 objects in 3 files (2 more with --all)\n",
    )
    assert lint(files, *words, "--suppress", "IST0173=DestinationRule/dubbo-go-client")[0] == 6
    marked = v2.replace("IST0173", "IST0173 (suppressed)")
    code, out = lint(files, *words, "--suppress", "IST017?", "--all")
    assert (code, marked + text in out, "  info IST0118 at world.yaml:4 spec.ports[0]" in out) == (0, True, True), out
    assert lint(files, *words, "--severity", "info", "--suppress", "IST0173")[0] == 6


def test_an_object_that_stands_twice_is_told(files):
    files.write({"sub/more.yaml": SOURCE_90_10, ".hidden/x.yaml": "kind: [", "sub/conf.yaml": "dubbo: {}\n"})
    files.write({"chart/app/Chart.yaml": "name: x\n", "chart/app/templates/d.yaml": "{{ bad }}: [\n"})
    for name in ("bad.yaml", "broken.yaml", "tab.yaml", "world.yaml"):
        (files.folder / name).unlink()
    done = files.cli("traffic", "lint", "-R", ".")
    assert done == Told(6, "left out: chart/app/templates, templates of a Helm chart\n")
    assert done.out == (
        "VirtualService default/dubbo-go-server\n  warning object-twice at vs.yaml:1\n"
        "    it stands in vs.yaml:1 and in sub/more.yaml:1; which one is in force depends on the order\n\n"
        "1 warning about 3 objects in 5 files (1 more with --all)\n"
    )


def test_an_object_can_ask_not_to_be_told(files):
    files.write(
        {
            "vs.yaml": BAD.replace(
                "name: dubbo-go-server", "name: x\n  annotations: {galley.istio.io/analyze-suppress: IST0106}", 1
            )
            + "    timeout: 1us\n"
        }
    )
    code, out = lint(files, "-f", "vs.yaml", "-f", "dr.yaml")
    assert (code, "IST0106" in out) == (6, False)


def test_the_data_is_a_list_with_files_and_lines(files):
    code, out = lint(files, "-f", "dr.yaml", "-f", "bad.yaml", "-f", "broken.yaml", "-o", "json")
    data = json.loads(out)["data"]
    assert (code, data["counts"], data["hidden"]) == (6, {"error": 2, "warning": 0, "info": 0}, 1)
    assert data["findings"] == [
        {
            "severity": "error",
            "code": "rules-invalid",
            "object": "File broken.yaml",
            "path": "",
            "message": "not valid YAML: did not find expected node content",
            "parameters": [],
            "file": "broken.yaml",
            "line": 2,
            "suppressed": False,
        },
        {
            "severity": "error",
            "code": "IST0101",
            "object": "VirtualService default/dubbo-go-server",
            "path": "spec.http[0].route[0].destination",
            "message": "the host+subset in destinationrule 'dubbo-go-server+v9' that it refers to does not exist",
            "parameters": ["host+subset in destinationrule", "dubbo-go-server+v9"],
            "file": "bad.yaml",
            "line": 14,
            "suppressed": False,
        },
    ]


def test_what_is_deployed_is_looked_at_without_files(desk):
    desk.deployed("v1")
    assert lint(desk) == (0, "no findings about 0 rules of namespace default\n")
    desk.rules(
        SOURCE_DESTINATION_RULE.replace("dubbo-go-server", "shop"),
        SOURCE_90_10.replace("dubbo-go-server", "shop").replace("subset: v2", "subset: v3"),
    )
    assert lint(desk) == (
        6,
        "DestinationRule default/shop\n"
        "  error IST0173 at spec.subsets[0]\n    subset v1 selects no pod, so calls to it end in a 503 (UH)\n"
        "  error IST0173 at spec.subsets[1]\n    subset v2 selects no pod, so calls to it end in a 503 (UH)\n"
        "VirtualService default/shop\n"
        "  error subset-empty at spec.http[0].route[0]\n"
        "    subset v1 of shop (version v1) has no ready instance to take these calls\n"
        "  error subset-unknown at spec.http[0].route[1].destination.subset\n"
        "    no DestinationRule defines the subset v3 of shop, only v1, v2.\n"
        "\n4 errors about 2 rules of namespace default\n",
    )


def test_a_version_with_calls_and_one_instance_is_told_as_info():
    given = rules(destination_rule("v1", "v2"), virtual_service({"route": [to("v1", 90), to("v2", 10)]}))
    found = of_namespace(given, {SERVICE: {"v1": 2, "v2": 1}}, namespace="default", local=True)
    assert [(one.severity, one.code, one.object, one.message) for one in found] == [
        (
            "info",
            "single-instance",
            "VirtualService default/greeter",
            "greeter v2 gets calls by http[0] and has a single ready instance: none answers while it restarts",
        )
    ]
    assert of_namespace(given, {SERVICE: {"v1": 2, "v2": 2}}, namespace="default", local=True) == []


def test_what_the_local_target_leaves_out_is_told_for_it_alone():
    given = rules(destination_rule("v1", trafficPolicy={"outlierDetection": {"interval": "1s"}}))
    ready = {Service("greeter"): {"v1": 2}}
    assert [one.code for one in of_namespace(given, ready, namespace="default", local=True)] == ["not-modelled-locally"]
    assert of_namespace(given, ready, namespace="default", local=False) == []


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (
            "--suppress IST0101=x",
            "'IST0101=x' does not say which findings: write CODE or CODE=Kind/namespace/name, where * stands for any",
            "--suppress 'IST0118=Service/prod/*'",
        ),
        ("-R dr.yaml", "dr.yaml is no folder", "for a file: -f dr.yaml"),
        ("-f none.yaml", "none.yaml cannot be read: No such file or directory", "ls -l none.yaml"),
    ],
)
def test_what_cannot_be_linted_is_refused(files, words, error, hint):
    assert files.cli("traffic", "lint", *words.split()) == Told(2, f"Error: {error}\n\nTry: {hint}\n[usage]\n")
