import re
import sys
from importlib.metadata import version

import pytest

from dubbopy_cli.errors import DubbopyError, PreflightError
from dubbopy_cli.process import SubprocessRunner
from dubbopy_cli.scaffold import catalogue
from dubbopy_cli.scaffold.stubs.make import make
from dubbopy_cli.scaffold.stubs.python import PythonStubs

LAYER = catalogue.root() / "python/project"


def run(root, module="shop"):
    runner = SubprocessRunner()
    return make(root, PythonStubs(root, module), runner)


def project(root, module="shop", **protos):
    (root / "src" / module).mkdir(parents=True)
    for name, text in protos.items():
        path = root / "api" / f"{name.replace('__', '/')}.proto"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'syntax = "proto3";\n{text}')
    return root


@pytest.mark.parametrize("module", ["shop", "api", "a_very_long_name_for_a_package"])
def test_the_checked_in_stubs_are_what_grpcio_tools_makes(tmp_path, module):
    project(tmp_path, module, api="")
    (tmp_path / "api/api.proto").write_text((LAYER / "api/api.proto").read_text())
    made = {file.path: file.content.decode() for file in run(tmp_path, module).files}
    folder = LAYER / "src/{{module}}/api"
    assert made == {
        f"src/{module}/api/{path.name.removesuffix('.jinja')}": path.read_text().replace("{{ module }}", module)
        for path in folder.iterdir()
        if path.is_file()
    }


def test_the_extra_pins_the_version_that_made_the_checked_in_stubs():
    made_by = re.search(
        r"GRPC_GENERATED_VERSION = '(.+)'", (LAYER / "src/{{module}}/api/api_pb2_grpc.py.jinja").read_text()
    )[1]
    assert version("grpcio-tools") == made_by
    pyproject = (catalogue.root().parent / "pyproject.toml").read_text()
    assert f'stubs = ["grpcio-tools=={made_by}"]' in pyproject


def test_stubs_of_several_files_import_each_other(tmp_path, monkeypatch):
    project(
        tmp_path,
        "shop_of_stubs",
        a='package a;\nimport "api/v1/my-b.proto";\nmessage A { b.B b = 1; }\n'
        "service S { rpc R(b.B) returns (b.B.Inner); }",
        v1__my_b='package b;\nimport public "api/v1/c.proto";\nmessage B { message Inner {} C c = 1; }',
        v1__c="package b;\nmessage C {}",
    )
    (tmp_path / "api/v1/my_b.proto").rename(tmp_path / "api/v1/my-b.proto")
    (tmp_path / "src/shop_of_stubs/__init__.py").write_text("")
    run(tmp_path, "shop_of_stubs").write()
    types = (tmp_path / "src/shop_of_stubs/api/a_pb2.pyi").read_text()
    assert "from shop_of_stubs.api.v1 import my_b_pb2 as _my_b_pb2\n" in types
    monkeypatch.syspath_prepend(tmp_path / "src")
    from shop_of_stubs.api import a_pb2, a_pb2_grpc
    from shop_of_stubs.api.v1 import c_pb2, my_b_pb2

    assert a_pb2.A(b=my_b_pb2.B(c=c_pb2.C())).b.HasField("c")
    assert my_b_pb2.C is c_pb2.C
    assert a_pb2.A.__module__ == "shop_of_stubs.api.a_pb2"
    assert a_pb2_grpc.SServicer
    assert {name for name in sys.modules if name.split(".")[0] == "api"} == set()


def test_a_folder_named_like_a_keyword_can_be_imported(tmp_path, monkeypatch):
    project(
        tmp_path,
        "keyword_of_stubs",
        kw='package kw;\nimport "api/import/b.proto";\nmessage A { B b = 1; }',
        import__b="package kw;\nmessage B {}",
    )
    (tmp_path / "src/keyword_of_stubs/__init__.py").write_text("")
    run(tmp_path, "keyword_of_stubs").write()
    monkeypatch.syspath_prepend(tmp_path / "src")
    from keyword_of_stubs.api import kw_pb2

    assert kw_pb2.A(b={}).HasField("b")


@pytest.mark.parametrize(
    ("text", "stub", "line"),
    [
        (
            "message M {}\nservice S { rpc import(M) returns (M); }",
            "a_pb2_grpc.py",
            "self.import = channel.unary_unary(",
        ),
        ("message class {}", "a_pb2.pyi", "class class(_message.Message):"),
        ('// Three """ quotes.\nservice S {}', "a_pb2_grpc.py", ""),
    ],
)
def test_what_would_be_no_python_is_refused_in_words(tmp_path, text, stub, line):
    project(tmp_path, a=f"package a;\n{text}")
    with pytest.raises(DubbopyError) as refused:
        run(tmp_path)
    assert refused.value.code == "proto-invalid"
    # Which line of an unclosed text is shown differs between versions of Python.
    assert refused.value.message.startswith(
        f"src/shop/api/{stub} would be no Python, by a name or comment in its .proto: `{line}"
    )
    assert refused.value.hint == (
        "in the .proto, rename what is a keyword of Python and take three quotes out of comments,"
        " then: dubbopy-cli generate"
    )


@pytest.mark.filterwarnings("error")
def test_odd_escapes_in_a_comment_are_passed_over_in_silence(tmp_path):
    project(tmp_path, a="package a;\n// Matches \\d+.\nservice S {}")
    assert run(tmp_path).files


def test_a_package_that_is_not_there_is_named(tmp_path):
    (tmp_path / "api").mkdir()
    (tmp_path / "api/a.proto").write_text('syntax = "proto3";\n')
    with pytest.raises(PreflightError) as refused:
        run(tmp_path)
    assert refused.value.code == "project-invalid"
    assert refused.value.message == (
        f"{tmp_path / 'src/shop'} is missing, the package that .dubbopy.yaml names in answers.module"
    )
    assert refused.value.hint == f"mend answers.module in {tmp_path / '.dubbopy.yaml'}"


def test_stubs_of_a_proto_that_is_gone_are_known_by_their_marks(tmp_path):
    project(tmp_path, a="package a;", b="package b;")
    run(tmp_path).write()
    (tmp_path / "api/b.proto").unlink()
    (tmp_path / "src/shop/api/mine_pb2.py").write_text("# by hand\n")
    assert run(tmp_path).orphans == (
        "src/shop/api/b_pb2.py",
        "src/shop/api/b_pb2.pyi",
        "src/shop/api/b_pb2_grpc.py",
    )
