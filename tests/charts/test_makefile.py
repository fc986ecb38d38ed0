from __future__ import annotations

import re
import shutil

import pytest

from tests.charts.bench import BUILDER, HELM, PLAIN

GO_BUILD = ["go", "build", "-trimpath", "-ldflags"]


def test_make_alone_shows_help(bench):
    made = bench()
    shown = made.made()
    targets = [
        "help",
        "compile",
        "build",
        "image",
        "buildx-publish",
        "deploy",
        "remove",
        "run",
        "test",
        "proto",
        "clean",
    ]
    for target in targets:
        assert re.search(rf"^  {target} +[A-Z]", shown, re.MULTILINE), target
    assert "image localhost:5000/dubbo-go-server:1.0.0, release dubbo-go-server-v1" in shown
    assert made.calls() == []


def test_every_target_is_phony(bench):
    for lang in ("go", "python"):
        root = bench(lang).root
        text = (root / "Makefile").read_text()
        phony = set(" ".join(re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)).split())
        assert set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE)) <= phony
        shutil.rmtree(root)
        shutil.rmtree(root.parent / "stubs")


def test_build_compiles_makes_the_image_and_pushes(bench):
    made = bench()
    made.made("build")
    flags = "-s -w -X dubbo-go-server/pkg/service.tag=1.0.0"
    assert made.calls() == [
        [*GO_BUILD, flags, "-o", "build/app", "./cmd"],
        ["docker", "build", "--label", made.label(), "-t", "localhost:5000/dubbo-go-server:1.0.0", "build"],
        ["docker", "push", "localhost:5000/dubbo-go-server:1.0.0"],
    ]
    assert (made.root / "build/dubbogo.yaml").read_text() == "dubbo: {}\n"
    assert "GOOS=linux GOARCH= CGO_ENABLED=0" in (made.stubs / "environment").read_text()


def test_the_printed_go_command_is_the_contracts(bench):
    expected = 'CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X {}.tag=1.0.0" -o build/app ./cmd\n'
    assert expected.format("dubbo-go-server/pkg/service") in bench().made("-n", "compile")


def test_a_client_is_stamped_in_main(bench):
    made = bench("go", "client")
    made.made("compile")
    assert made.calls() == [[*GO_BUILD, "-s -w -X main.tag=1.0.0", "-o", "build/app", "./cmd"]]
    assert "GOOS= " in (made.stubs / "environment").read_text()


def test_the_image_can_stay_here(bench):
    made = bench()
    made.made("build", "PUSH=no")
    assert [call[:2] for call in made.calls()] == [["go", "build"], ["docker", "build"]]


@pytest.mark.parametrize("builder", ["podman", "buildah"])
def test_another_builder_is_found(bench, builder):
    made = bench(builders=(builder,))
    made.made("build")
    assert [call[:2] for call in made.calls()][1:] == [[builder, "build"], [builder, "push"]]


def test_a_builder_can_be_chosen(bench):
    made = bench(builders=("docker", "podman"))
    made.made("build", DOCKER="podman")
    assert {call[0] for call in made.calls()} == {"go", "podman"}


def test_without_a_builder_the_program_is_made_and_the_reason_said(bench):
    made = bench(builders=())
    done = made.make("build")
    assert done.returncode == 2
    assert "no docker, podman or buildah is installed" in done.stderr
    assert (made.root / "build/app").exists()


def test_a_failing_step_stops_the_build(bench):
    made = bench()
    made.stub("docker", BUILDER + '[ "$1" = push ] && exit 1; exit 0\n')
    assert made.make("build").returncode == 2
    made.stub("docker", BUILDER + "exit 1\n")
    made.calls()
    assert made.make("build").returncode == 2
    assert [call[:2] for call in made.calls()] == [["go", "build"], ["docker", "build"]]


def test_a_build_by_make_makes_the_command_lines_record_stale(bench):
    made = bench()
    (made.root / "build/.built.json").write_text("{}")
    made.made("compile", "TAG=2.0.0")
    assert not (made.root / "build/.built.json").exists()


def test_buildx_publish_compiles_for_every_platform(bench):
    made = bench()
    made.made("buildx-publish", "PLATFORMS=linux/amd64,linux/arm64")
    calls = made.calls()
    assert [call[-2] for call in calls[:-1]] == ["build/app-amd64", "build/app-arm64"]
    assert calls[-1] == [
        "docker", "buildx", "build", "--platform", "linux/amd64,linux/arm64", "--build-arg", "PER_PLATFORM=yes",
        "--label", made.label(), "-t", "localhost:5000/dubbo-go-server:1.0.0", "--push", "build",
    ]  # fmt: skip
    environment = (made.stubs / "environment").read_text()
    assert "GOOS=linux GOARCH=amd64 CGO_ENABLED=0" in environment
    assert "GOOS=linux GOARCH=arm64 CGO_ENABLED=0" in environment
    assert (made.root / "build/dubbogo.yaml").exists()


def test_buildx_publish_is_for_amd64_unless_told_otherwise(bench):
    made = bench()
    made.made("buildx-publish")
    assert [call[-2:] for call in made.calls()] == [["build/app-amd64", "./cmd"], ["--push", "build"]]


def test_the_sources_edit_of_the_makefile(bench):
    made = bench()
    made.edit("Makefile", "IMAGE = $(CHART_IMAGE)", "IMAGE = xxx/dubbo-go-server  # where it goes")
    made.edit("Makefile", "TAG = $(CHART_TAG)", "TAG = 2.0.0 ")
    made.edit("Makefile", "HELM_INSTALL_NAME = $(CHART_NAME)", "HELM_INSTALL_NAME = dubbo-go-server")
    made.edit("chart/app/values.yaml", 'dubbogoAppVersion: "v1"', "dubbogoAppVersion: v2")
    made.made("build")
    assert [call[-1] for call in made.calls()[1:]] == ["build", "xxx/dubbo-go-server:2.0.0"]
    shown = made.made("deploy")
    assert "NAME: dubbo-go-server-v2\nLAST DEPLOYED: now\nNAMESPACE: default\nSTATUS: deployed\nREVISION: 1" in shown
    assert made.calls() == [
        ["helm", "upgrade", "--install", "dubbo-go-server", "chart/service"],
        [
            "helm", "upgrade", "--install", "dubbo-go-server-v2", "chart/app", "--set-string",
            "image.repository=xxx/dubbo-go-server,image.tag=2.0.0,version.labels.dubbogoAppVersion=v2",
            "--wait", "--timeout", "5m",
        ],
    ]  # fmt: skip


def test_the_sources_edit_of_the_chart(bench):
    made = bench()
    (made.root / "chart/app/Chart.yaml").write_text(
        "apiVersion: v1\nname: dubbo-go-server\ndescription: dubbo-go-server\nversion: 0.0.1\n"
    )
    (made.root / "chart/app/values.yaml").write_text(
        'image:\n  repository:  xxx/dubbo-go-server\n  pullPolicy: Always\n  tag: "2.0.0"\n\n'
        "# Dubbo-go-mesh version control labels\nversion:\n  labels:\n    dubbogoAppVersion: v2\n"
    )
    assert "image xxx/dubbo-go-server:2.0.0, release dubbo-go-server-v2" in made.made()


def test_the_command_line_is_stronger_than_both(bench):
    made = bench()
    made.edit("Makefile", "TAG = $(CHART_TAG)", "TAG = 2.0.0")
    shown = made.made("help", "TAG=3.0.0", "IMAGE=r/x", "HELM_INSTALL_NAME=other", "APP_VERSION=v9")
    assert "image r/x:3.0.0, release other-v9" in shown


def test_the_environment_is_not(bench):
    # CI systems set TAG and IMAGE for purposes of their own.
    assert "image localhost:5000/dubbo-go-server:1.0.0" in bench().made(TAG="9", IMAGE="x")


@pytest.mark.parametrize(
    ("given_name", "release"),
    [
        ("dubbo-go-server", "dubbo-go-server-v1"),
        ("dubbo-go-server-v1", "dubbo-go-server-v1"),
        ("other", "other-v1"),
        ("v1", "v1-v1"),
    ],
)
def test_the_release_is_named_after_its_version(bench, given_name, release):
    assert f"release {release}\n" in bench().made("help", f"HELM_INSTALL_NAME={given_name}")


def test_an_application_called_like_a_release_of_another(bench):
    made = bench(name="shop-v1")
    assert "release shop-v1-v1\n" in made.made()
    made.release("shop-v1", "Deployment")
    done = made.make("deploy")
    assert done.returncode == 2
    assert "release shop-v1 is a version of another application" in done.stderr
    assert made.calls() == []


def test_a_release_called_like_another_application(bench):
    made = bench(name="shop")
    made.release("shop-v1", "Service")
    done = made.make("deploy")
    assert done.returncode == 2
    assert "release shop-v1 is the Service of another application" in done.stderr
    assert made.calls() == []


def test_a_second_deploy_upgrades_and_leaves_the_service_alone(bench):
    made = bench()
    made.made("deploy")
    made.calls()
    made.made("deploy")
    assert [call[3] for call in made.calls()] == ["dubbo-go-server-v1"]


def test_a_service_that_failed_is_deployed_again(bench):
    made = bench()
    made.release("dubbo-go-server", "Service", failed=True)
    made.made("deploy")
    assert [call[3] for call in made.calls()] == ["dubbo-go-server", "dubbo-go-server-v1"]


def test_an_account_is_no_service(bench):
    made = bench()
    made.release("dubbo-go-server", "ServiceAccount")
    assert "is a version of another application" in made.make("deploy").stderr


def test_no_version_is_deployed_without_its_service(bench):
    made = bench()
    made.stub("helm", HELM.replace("  upgrade)", "  upgrade) exit 1"))
    assert made.make("deploy").returncode == 2
    assert len(made.calls()) == 1


def test_options_reach_every_helm_command(bench):
    made = bench()
    made.stub("helm", PLAIN + "exit 0\n")
    made.make("deploy", "remove", HELM_FLAGS="--namespace shop")
    calls = made.calls()
    assert len(calls) == 5
    assert all(call[-2:] == ["--namespace", "shop"] for call in calls)


def test_remove_uninstalls_the_version_alone(bench):
    made = bench()
    made.made("deploy")
    made.calls()
    shown = made.made("remove")
    assert 'helm uninstall dubbo-go-server-v1 \nrelease "dubbo-go-server-v1" uninstalled\n' in shown
    assert made.calls() == [["helm", "uninstall", "dubbo-go-server-v1"]]
    assert made.make("remove").returncode == 2


def test_the_service_goes_last(bench):
    made = bench()
    made.made("deploy")
    made.calls()
    made.listed(
        {"dubbo-go-server": "service-0.1.0", "dubbo-go-server-v1": "dubbo-go-server-0.1.0"}
        | {"canary": "dubbo-go-server-v1.0.0-rc.1", "dubbo-go-server-client-v1": "dubbo-go-server-client-0.1.0"}
    )
    done = made.make("remove-service")
    assert done.returncode == 2
    assert "these releases need the Service dubbo-go-server: dubbo-go-server-v1 canary (" in done.stderr
    assert made.calls() == []
    made.made("remove-service", "FORCE=yes")
    assert made.calls() == [["helm", "uninstall", "dubbo-go-server"]]


@pytest.mark.parametrize("app", ["dubbo-go-server", "dubbo.go.server"])
def test_releases_of_other_applications_do_not_hold_the_service(bench, app):
    made = bench()
    made.edit("chart/app/Chart.yaml", 'name: "dubbo-go-server"', f"name: {app}")
    made.release(app, "Service")
    others = (f"{app}-client", f"{app}-1", f"my-{app}", app[:-1], app.replace(".", "x") + "x", "service")
    made.listed({f"{other}-v1": f"{other}-0.1.0" for other in others})
    made.made("remove-service")
    made.listed({})
    made.release(app, "Service")
    made.made("remove-service")
    assert made.calls() == [["helm", "uninstall", app]] * 2


def test_a_helm_that_cannot_list_removes_no_service(bench):
    made = bench()
    made.stub("helm", PLAIN + "exit 1\n")
    assert made.make("remove-service").returncode == 2
    assert [call[1] for call in made.calls()] == ["list"]


def test_deploy_service_changes_the_service(bench):
    made = bench()
    made.release("dubbo-go-server", "Service")
    made.made("deploy-service")
    assert made.calls() == [["helm", "upgrade", "--install", "dubbo-go-server", "chart/service"]]


def test_clean_leaves_the_dockerfile_and_fails_never(bench):
    made = bench()
    made.made("build", "buildx-publish")
    made.made("clean")
    made.made("clean")
    assert sorted(path.name for path in (made.root / "build").iterdir()) == [".dockerignore", "Dockerfile"]


def test_test_and_proto(bench):
    made = bench()
    made.made("test")
    assert made.calls() == [["go", "test", "./..."]]
    done = made.make("proto")
    assert done.returncode == 2
    assert "install dubbopy-cli, or protoc with protoc-gen-go and protoc-gen-go-triple" in done.stderr
    made.stub("dubbopy-cli")
    made.made("proto")
    assert made.calls() == [["dubbopy-cli", "generate"]]
    (made.root / "api").mkdir()
    (made.root / "api/api.proto").touch()
    for plugin in ("protoc", "protoc-gen-go", "protoc-gen-go-triple"):
        made.stub(plugin)
    made.made("proto")
    assert made.calls() == [
        [
            "protoc", "--go_out=.", "--go_opt=paths=source_relative", "--go-triple_out=.",
            "--go-triple_opt=paths=source_relative", "api/api.proto",
        ]
    ]  # fmt: skip


def test_proto_of_a_proxyless_project_is_for_dubbopy_cli_alone(bench):
    made = bench(mesh="proxyless")
    for plugin in ("protoc", "protoc-gen-go", "protoc-gen-go-triple"):
        made.stub(plugin)
    assert "install dubbopy-cli" in made.make("proto").stderr
    made.stub("dubbopy-cli")
    made.made("proto")
    assert made.calls() == [["dubbopy-cli", "generate"]]


def test_run(bench):
    made = bench()
    made.stub("go", "#!/bin/sh\nRECORD\nprintf '#!/bin/sh\\necho I run\\n' > build/app; chmod +x build/app\n")
    (made.stubs / "bin/chmod").symlink_to(str(shutil.which("chmod")))
    assert "I run" in made.made("run")
