import pytest

from dubbopy_cli import project
from dubbopy_cli.errors import PreflightError

FILES = {
    ".dubbopy.yaml": "template: builtin:go-client\nanswers: {lang: go, role: client, mesh: sidecar, module: shop}\n",
    "go.mod": "module example.com/shop\n",
    "chart/app/Chart.yaml": "apiVersion: v2\nname: shop\n",
    "chart/app/values.yaml": 'image:\n  repository: xxx/shop\n  tag: "2.0.0"\nversion:\n  labels:\n    dubbogoAppVersion: v2\n',
    "chart/service/values.yaml": "service:\n  port: 20000\n",
    "conf/dubbogo.yaml": (
        "dubbo:\n  consumer:\n    references:\n      GreeterClientImpl:\n"
        "        url: tri://dubbo-go-server.default.svc.cluster.local:20001\n"
    ),
}


@pytest.fixture
def root(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_every_value_comes_from_its_one_file(root):
    found = project.load(root / "conf")
    assert found == project.Project(
        root=root,
        template="builtin:go-client",
        lang="go",
        role="client",
        mesh="sidecar",
        module="example.com/shop",
        name="shop",
        image="xxx/shop",
        tag="2.0.0",
        version="v2",
        port=20000,
        references=(("dubbo-go-server", 20001),),
    )


def test_outside_a_project(tmp_path):
    with pytest.raises(PreflightError) as missing:
        project.load(tmp_path)
    assert missing.value.code == "project-not-found"
    assert missing.value.hint == "cd into a project, or make one: dubbopy-cli newApp ."


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("chart/app/values.yaml", None, "{root}/chart/app/values.yaml is missing"),
        ("chart/app/values.yaml", "image: [", "{root}/chart/app/values.yaml is not valid YAML: line 1: "),
        ("chart/app/values.yaml", "- a\n", "{root}/chart/app/values.yaml holds no mapping"),
        (
            "chart/app/values.yaml",
            "image: {repository: a/b, tag: 1.10}\nversion: {labels: {dubbogoAppVersion: v1}}\n",
            "{root}/chart/app/values.yaml has no usable `image.tag`: 1.1 is not a text",
        ),
        (
            "chart/app/values.yaml",
            'image: {repository: a/b, tag: "1"}\nversion: {labels: {dubbogoAppVersion: 2}}\n',
            "{root}/chart/app/values.yaml has no usable `version.labels.dubbogoAppVersion`: 2 is not a text",
        ),
        ("chart/app/Chart.yaml", "name: My App\n", "{root}/chart/app/Chart.yaml: `name`: 'My App' is not a valid"),
        (
            ".dubbopy.yaml",
            "template: x\nanswers: {lang: goo, role: client, mesh: sidecar, module: m}\n",
            "{root}/.dubbopy.yaml says `answers.lang: goo`, which is none of go, python. Did you mean 'go'?",
        ),
    ],
)
def test_a_broken_file_is_named(root, file, text, message):
    (root / file).unlink()
    if text is not None:
        (root / file).write_text(text)
    with pytest.raises(PreflightError) as broken:
        project.load(root)
    assert broken.value.code == "project-invalid"
    assert broken.value.message.startswith(message.format(root=root))
