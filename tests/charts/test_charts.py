from __future__ import annotations

import json
import re

import pytest
import yaml

from tests.charts.conftest import COMMON
from tests.charts.rendered import EVERYTHING, container, copy_of, objects, one, refused

SELECTOR = {"app.kubernetes.io/name", "dubbogoAppVersion"}
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@pytest.mark.parametrize("chart", ["app", "service"])
def test_lint_has_nothing_to_say(helm, variant, chart):
    done = helm.run("lint", "--strict", variant.root / "chart" / chart)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout
    assert "ERROR" not in done.stdout


def test_lint_of_everything_switched_on(helm, either):
    done = helm.run("lint", "--strict", either.app, *EVERYTHING)
    assert done.returncode == 0, done.stdout + done.stderr


def test_both_helms_render_the_same(helm3, helm4, either):
    for chart in (either.app, either.service):
        assert objects(helm3, chart, "shop") == objects(helm4, chart, "shop")


def test_selectors_are_exactly_two_labels(helm, either):
    found = objects(helm, either.app, f"{either.name}-v1", *EVERYTHING)
    expected = {"app.kubernetes.io/name": either.name, "dubbogoAppVersion": "v1"}
    assert one(found, "Deployment")["spec"]["selector"] == {"matchLabels": expected}
    assert one(found, "PodDisruptionBudget")["spec"]["selector"] == {"matchLabels": expected}
    service = one(objects(helm, either.service, either.name), "Service")
    assert service["spec"]["selector"] == {"app.kubernetes.io/name": either.name}


def test_no_setting_reaches_a_selector(helm, server, tmp_path):
    chart = copy_of(server.app, tmp_path / "app")
    before = one(objects(helm, chart, "r"), "Deployment")["spec"]["selector"]
    text = (chart / "Chart.yaml").read_text()
    (chart / "Chart.yaml").write_text(text.replace("version: 0.1.0", 'version: 0.2.0+build.7\nappVersion: "9"'))
    after = one(objects(helm, chart, "other", "--set-string", "podLabels.team=a,image.tag=3.0"), "Deployment")
    assert after["spec"]["selector"] == before
    assert after["metadata"]["labels"]["helm.sh/chart"] == "dubbo-go-server-0.2.0_build.7"


def test_pod_labels(helm, either):
    found = objects(helm, either.app, f"{either.name}-v1", "--set-string", "podLabels.team=checkout")
    assert one(found, "Deployment")["spec"]["template"]["metadata"]["labels"] == {
        "app": either.name,
        "version": "v1",
        "app.kubernetes.io/name": either.name,
        "app.kubernetes.io/version": "v1",
        "app.kubernetes.io/instance": f"{either.name}-v1",
        "dubbogoAppVersion": "v1",
        "team": "checkout",
    }


@pytest.mark.parametrize(
    ("lang", "program"), [("go", "/dubbogo/app"), ("python", "/dubbogo/venv/bin/python -m dubbo_python_client")]
)
def test_pods_of_a_client_say_whom_they_call_and_by_what(helm, variants, lang, program):
    found = objects(helm, variants[lang, "client"].app, "r")
    said = one(found, "Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert (said["dubbopy.io/calls"], said["dubbopy.io/program"]) == ("dubbo-go-server", program)
    several = objects(helm, variants[lang, "client"].app, "r", "--set", "calls={shop,stock}")
    assert one(several, "Deployment")["spec"]["template"]["metadata"]["annotations"]["dubbopy.io/calls"] == "shop,stock"
    for chart, options in ((variants[lang, "server"].app, ()), (variants[lang, "client"].app, ("--set", "calls=null"))):
        annotations = one(objects(helm, chart, "r", *options), "Deployment")["spec"]["template"]["metadata"][
            "annotations"
        ]
        assert not [name for name in annotations if name.startswith("dubbopy.io/")]


def test_names_are_the_sources(helm, client, server):
    assert one(objects(helm, client.app, "x"), "Deployment")["metadata"]["name"] == "dubbo-go-client-v1"
    assert one(objects(helm, server.app, "x"), "Deployment")["metadata"]["name"] == "dubbo-go-server-v1"
    assert one(objects(helm, client.service, "dubbo-go-client"), "Service")["metadata"]["name"] == "dubbo-go-client"


def test_service_port_is_one_that_istio_knows(helm, either):
    (port,) = one(objects(helm, either.service, "shop"), "Service")["spec"]["ports"]
    assert port == {
        "name": "grpc-triple",
        "appProtocol": "grpc",
        "port": 20000,
        "targetPort": "grpc-triple",
        "protocol": "TCP",
    }


def test_versions_bring_no_service_and_the_service_no_workload(helm, either):
    assert {found["kind"] for found in objects(helm, either.app, "r")} == {"Deployment", "Pod"}
    assert {found["kind"] for found in objects(helm, either.app, "r", *EVERYTHING)} == {
        "Deployment", "Pod", "ConfigMap", "HorizontalPodAutoscaler", "PodDisruptionBudget",
    }  # fmt: skip
    assert {found["kind"] for found in objects(helm, either.service, "shop")} == {"Service", "ServiceAccount"}


def test_two_versions_share_no_object(helm, server):
    def keys(version: str) -> set[tuple[str, str]]:
        found = objects(helm, server.app, f"r-{version}", *EVERYTHING, "--set-string",
                        f"version.labels.dubbogoAppVersion={version}")  # fmt: skip
        return {(document["kind"], document["metadata"]["name"]) for document in found}

    assert keys("v1").isdisjoint(keys("v2"))


def test_every_object_is_complete(helm, either):
    found = objects(helm, either.app, "r-v1", *EVERYTHING) + objects(helm, either.service, "shop")
    for document in found:
        assert document["apiVersion"]
        assert document["metadata"]["name"]
        assert document["metadata"]["namespace"] == "default"
        labels = document["metadata"]["labels"]
        assert all(isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9._-]{1,63}", value) for value in labels.values())


def test_templates_look_nothing_up():
    # Helm deletes what a template stops rendering, and a preview sees no cluster.
    for path in (COMMON / "project/chart").rglob("*"):
        assert path.is_dir() or "lookup" not in path.read_text(), path


def test_autoscaling_decides_the_replicas_alone(helm, server):
    assert one(objects(helm, server.app, "r"), "Deployment")["spec"]["replicas"] == 1
    found = objects(helm, server.app, "r", "--set", "autoscaling.enabled=true")
    assert "replicas" not in one(found, "Deployment")["spec"]
    scaler = one(found, "HorizontalPodAutoscaler")["spec"]
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "dubbo-go-server-v1"}
    said = refused(helm, server.app, "--set", "autoscaling.enabled=true,autoscaling.minReplicas=9")
    assert "minReplicas (9) must not be greater than maxReplicas (5)" in said


def test_replicas_may_be_none_at_all(helm, server):
    assert one(objects(helm, server.app, "r", "--set", "replicaCount=0"), "Deployment")["spec"]["replicas"] == 0


def test_nothing_runs_as_root_or_holds_a_token(helm, either):
    found = objects(helm, either.app, "r")
    for pod in (one(found, "Deployment")["spec"]["template"]["spec"], one(found, "Pod")["spec"]):
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["serviceAccountName"] == either.name
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert [one["securityContext"] for one in pod["containers"]] == [RESTRICTED]
    assert one(objects(helm, either.service, "shop"), "ServiceAccount")["automountServiceAccountToken"] is False


def test_a_servers_probes_follow_its_port(helm, variants):
    app = variants["python", "server"].app
    made = container(helm, app, "--set", "server.port=7000", "--set-string", "probes.service=api.Greeter")
    assert made["ports"] == [{"name": "grpc-triple", "containerPort": 7000, "protocol": "TCP"}]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert made[probe]["grpc"] == {"port": 7000, "service": "api.Greeter"}
    assert {"name": "DUBBO_PORT", "value": "7000"} in made["env"]


def test_a_client_has_neither_port_nor_probe_nor_shell(helm, client):
    made = container(helm, client.app)
    assert not {"ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle", "env", "command"} & set(made)


def test_nothing_is_run_by_a_shell(helm, either):
    text = json.dumps(objects(helm, either.app, "r", *EVERYTHING))
    assert '"exec"' not in text
    assert "/bin/" not in text


def test_pre_stop_waits_without_a_shell_where_kubernetes_can(helm, server):
    made = container(helm, server.app, "--kube-version", "1.30.0")
    assert made["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    assert "lifecycle" not in container(helm, server.app, "--kube-version", "1.29.9")
    assert "lifecycle" not in container(helm, server.app, "--set", "preStopSleepSeconds=0")
    assert "lifecycle" in container(helm, server.app, "--kube-version", "v1.31.2-gke.100")
    said = refused(helm, server.app, "--set", "terminationGracePeriodSeconds=5")
    assert "preStopSleepSeconds must be less than" in said


def test_the_pod_is_given_longer_than_sleep_and_shutdown_take(helm, server):
    pod = one(objects(helm, server.app, "r"), "Deployment")["spec"]["template"]["spec"]
    # The program ends within 30 s of its SIGTERM, which comes after the sleep.
    assert pod["terminationGracePeriodSeconds"] >= 5 + 30


def test_old_kubernetes_is_refused(helm, server):
    assert "incompatible" in refused(helm, server.app, "--kube-version", "1.26.0")


def test_environment(helm, server, client):
    made = container(helm, client.app, "--set-string", "env.DUBBO_ATTACHMENTS=user=admin,env.B=1,env.A=true")
    assert made["env"] == [
        {"name": "A", "value": "true"},
        {"name": "B", "value": "1"},
        {"name": "DUBBO_ATTACHMENTS", "value": "user=admin"},
    ]
    # A name given twice would be refused by server-side apply.
    made = container(helm, server.app, "--set-string", "env.DUBBO_PORT=1")
    assert made["env"] == [{"name": "DUBBO_PORT", "value": "1"}]


def test_configuration_replaces_the_pods_when_it_changes(helm, server, tmp_path):
    config = tmp_path / "dubbogo.yaml"

    def rendered(text: str) -> tuple[str, str]:
        config.write_text(text)
        found = objects(helm, server.app, "r", "--set-file", f"config={config}")
        pod = one(found, "Deployment")["spec"]["template"]
        assert {"name": "DUBBO_GO_CONFIG_PATH", "value": "/etc/dubbogo/dubbogo.yaml"} in pod["spec"]["containers"][0][
            "env"
        ]
        return one(found, "ConfigMap")["data"]["dubbogo.yaml"], pod["metadata"]["annotations"]["checksum/config"]

    first = 'dubbo: # <&>\n  a: "b"\n\t\n'
    assert rendered(first)[0] == first
    assert rendered(first)[1] == rendered(first)[1]
    assert rendered(first)[1] != rendered("dubbo: {}\n")[1]
    found = objects(helm, server.app, "r")
    assert "checksum/config" not in one(found, "Deployment")["spec"]["template"]["metadata"]["annotations"]


def test_sidecar_settings_are_yaml_that_istio_reads(helm, either):
    annotations = one(objects(helm, either.app, "r"), "Deployment")["spec"]["template"]["metadata"]["annotations"]
    config = yaml.safe_load(annotations["proxy.istio.io/config"])
    assert config["holdApplicationUntilProxyStarts"] is True
    assert config["proxyMetadata"] == {"EXIT_ON_ZERO_ACTIVE_CONNECTIONS": "true"}
    (pattern,) = config["proxyStatsMatcher"]["inclusionRegexps"]
    host = "shop.default.svc.cluster.local"
    assert re.fullmatch(pattern, f"cluster.outbound|20000|v1|{host}.upstream_rq_total")
    assert re.fullmatch(pattern, f"cluster.outbound|20000|v1|{host};.upstream_rq_2xx")
    assert not re.fullmatch(pattern, "cluster.inbound|20000||;.upstream_rq_2xx")
    found = objects(helm, either.app, "r", "--set", "istio.proxyConfig=null")
    assert "proxy.istio.io/config" not in one(found, "Deployment")["spec"]["template"]["metadata"]["annotations"]


def test_helm_test_of_a_server_asks_the_service(helm, server):
    pod = one(objects(helm, server.app, "dubbo-go-server-v1", "--set", "server.port=7000"), "Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert "app.kubernetes.io/name" not in pod["metadata"]["labels"]
    assert "-addr=dubbo-go-server:7000" in pod["spec"]["containers"][0]["args"]
    assert pod["spec"]["securityContext"]["runAsUser"] == 65532


def test_helm_test_of_a_client_is_one_call(helm, client):
    pod = one(objects(helm, client.app, "r", "--set-string", "env.DUBBO_TIMEOUT=9s,config=a"), "Pod")
    (made,) = pod["spec"]["containers"]
    assert made["image"] == "localhost:5000/dubbo-go-client:1.0.0"
    assert made["args"] == ["-n", "1", "-o", "json"]
    assert {"name": "DUBBO_TIMEOUT", "value": "9s"} in made["env"]
    assert [mount["name"] for mount in made["volumeMounts"]] == ["tmp", "config"]
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == ["tmp", "config"]


def test_a_sidecar_carries_the_calls_and_the_program_no_token(helm, either):
    pod = one(objects(helm, either.app, "r"), "Deployment")["spec"]["template"]
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == ["tmp"]
    assert not {"sidecar.istio.io/inject", "dubbopy.io/mesh"} & set(pod["metadata"]["labels"])


def test_a_proxyless_program_can_ask_istiod(helm, server, client):
    for chart in (server.app, client.app):
        found = objects(helm, chart, "r", "--set", "mesh=proxyless,test.inject=true")
        pod = one(found, "Deployment")["spec"]["template"]
        made = pod["spec"]["containers"][0]
        fields = {entry["name"]: entry["valueFrom"]["fieldRef"] for entry in made["env"] if "valueFrom" in entry}
        assert fields == {
            "POD_NAME": {"fieldPath": "metadata.name"},
            "POD_NAMESPACE": {"fieldPath": "metadata.namespace"},
        }
        (token,) = pod["spec"]["volumes"][-1]["projected"]["sources"]
        assert token["serviceAccountToken"]["audience"] == "istio-ca"
        assert made["volumeMounts"][-1] == {
            "name": "istio-token", "mountPath": "/var/run/secrets/token", "readOnly": True,
        }  # fmt: skip
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"
        assert pod["metadata"]["labels"]["dubbopy.io/mesh"] == "proxyless"
        assert "proxy.istio.io/config" not in pod["metadata"]["annotations"]
        # istiod tells a program about itself only behind a Service, which finds its pods by this name.
        assert made["ports"] == [{"name": "grpc-triple", "containerPort": 20000, "protocol": "TCP"}]
        assert ("readinessProbe" in made) is (chart == server.app)


def test_lint_of_a_proxyless_chart(helm, either):
    done = helm.run("lint", "--strict", either.app, "--set", "mesh=proxyless", *EVERYTHING)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_tests_a_proxyless_release(helm, server, client):
    found = objects(helm, server.app, "r", "--set", "mesh=proxyless,test.inject=true")
    assert one(found, "Pod")["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"
    # A client that is behind no Service learns nothing from istiod.
    assert [each["kind"] for each in objects(helm, client.app, "r", "--set", "mesh=proxyless")] == ["Deployment"]


@pytest.mark.parametrize("chart", ["app", "service"])
def test_notes_end_in_commands(helm, either, chart, tmp_path):
    # Helm shows notes only when it has a cluster, so a template of the same text stands in for them.
    copied = copy_of(either.root / "chart" / chart, tmp_path / chart)
    notes = (copied / "templates/NOTES.txt").rename(copied / "templates/notes.yaml")
    notes.write_text(
        '{{- define "notes" }}' + notes.read_text() + '{{ end }}\nkind: Notes\ntext: {{ include "notes" . | toJson }}\n'
    )
    release = either.name if chart == "service" else f"{either.name}-v1"
    text = one(objects(helm, copied, release, "--namespace", "shop"), "Notes")["text"]
    commands = [line for line in text.splitlines() if line.startswith("  ")]
    assert len(commands) >= 2
    assert all(re.match(r"  (kubectl|helm) --namespace shop ", line) for line in commands), text
    assert text.rstrip().endswith(commands[-1])
    assert "\n\n\n" not in text


@pytest.mark.parametrize("chart", ["app", "service"])
def test_packaging_leaves_out_what_is_not_the_chart(helm, server, chart, tmp_path):
    done = helm.run("package", server.root / "chart" / chart, "--destination", tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_digest_says_which_image_a_tag_is(helm, either):
    digest = f"sha256:{'a' * 64}"
    tagged = container(helm, either.app)["image"]
    assert container(helm, either.app, "--set-string", f"image.digest={digest}")["image"] == f"{tagged}@{digest}"
    assert "image/digest" in refused(helm, either.app, "--set-string", "image.digest=sha256:1").replace(".", "/")


def test_pods_without_a_port_of_that_name_are_reached_by_its_number(helm, either):
    (port,) = one(objects(helm, either.service, "shop", "--set", "service.targetPort=20000"), "Service")["spec"][
        "ports"
    ]
    assert port["targetPort"] == 20000
