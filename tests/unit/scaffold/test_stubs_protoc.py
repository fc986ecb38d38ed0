import pytest

from dubbopy_cli import extras
from dubbopy_cli.errors import DubbopyError, PreflightError
from dubbopy_cli.process import SubprocessRunner
from dubbopy_cli.scaffold.stubs.protoc import Protoc, sources


def write(root, name, *lines):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(['syntax = "proto3";', "package api;", *lines]) + "\n")


def describe(root):
    staging = root / "staging"
    staging.mkdir()
    return Protoc(SubprocessRunner(), root).describe(sources(root), staging)


def test_all_of_api_and_below_is_found_in_a_fixed_order(tmp_path):
    for name in ("api/b.proto", "api/a.proto", "api/v1/c.proto", "other/d.proto"):
        write(tmp_path, name)
    (tmp_path / "api/e.proto").mkdir()
    assert sources(tmp_path) == ("api/a.proto", "api/b.proto", "api/v1/c.proto")


def test_no_proto_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(PreflightError) as refused:
        sources(tmp_path)
    assert refused.value.code == "proto-missing"
    assert refused.value.message == (f"{tmp_path / 'api'} holds no .proto file, so there is nothing to make stubs from")
    assert refused.value.hint == "write api/api.proto, or take that of a new project: dubbopy-cli newApp ../another"


def test_files_and_what_they_import_are_described(tmp_path):
    write(tmp_path, "api/a.proto", 'import "google/protobuf/empty.proto";', "service S {", "  // Doc", "}")
    described, warnings = describe(tmp_path)
    assert [file.name for file in described.file] == ["google/protobuf/empty.proto", "api/a.proto"]
    assert warnings == ("api/a.proto:3:1: warning: Import google/protobuf/empty.proto is unused.",)


def test_a_syntax_error_names_file_line_and_column(tmp_path):
    write(tmp_path, "api/a.proto", "message B { strng x = 1 }")
    with pytest.raises(DubbopyError) as refused:
        describe(tmp_path)
    assert refused.value.code == "proto-invalid"
    assert refused.value.message == 'api/a.proto:3:25: Expected ";".'
    assert refused.value.hint == "mend api/a.proto at line 3, then: dubbopy-cli generate"
    assert refused.value.details == ""


def test_further_findings_are_details(tmp_path):
    write(tmp_path, "api/a.proto", "message A { X x = 1; }", "message B { Y y = 1; }")
    with pytest.raises(DubbopyError) as refused:
        describe(tmp_path)
    assert refused.value.message == 'api/a.proto:3:13: "X" is not defined.'
    assert refused.value.details == 'api/a.proto:3:13: "X" is not defined.\napi/a.proto:4:13: "Y" is not defined.'


def test_an_import_by_a_wrong_path_is_told_the_right_one(tmp_path):
    write(tmp_path, "api/a.proto", 'import "b.proto";')
    write(tmp_path, "api/b.proto")
    with pytest.raises(DubbopyError) as refused:
        describe(tmp_path)
    assert refused.value.message == 'api/a.proto:3:1: Import "b.proto" was not found or had errors.'
    assert refused.value.hint == 'imports are paths from the project\'s folder, such as: import "api/b.proto";'


def test_without_grpcio_tools_the_extra_is_named(tmp_path, monkeypatch):
    write(tmp_path, "api/a.proto")
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(PreflightError) as refused:
        describe(tmp_path)
    assert refused.value.code == "extra-missing"
    assert refused.value.message == "this needs the extra `stubs` of dubbopy-cli: grpc_tools is not installed"
    assert refused.value.hint == "pip install 'dubbopy-cli[stubs]'"


def test_a_file_of_the_project_cannot_stand_in_for_a_module_of_python(tmp_path):
    write(tmp_path, "api/a.proto")
    (tmp_path / "os.py").write_text("raise SystemExit(9)\n")
    (tmp_path / "grpc_tools").mkdir()
    assert describe(tmp_path)[1] == ()


def test_what_is_not_utf8_is_named_by_line_and_column(tmp_path):
    (tmp_path / "api").mkdir()
    (tmp_path / "api/a.proto").write_bytes(b'syntax = "proto3";\n// caf\xe9\n')
    with pytest.raises(DubbopyError) as refused:
        describe(tmp_path)
    assert refused.value.code == "proto-invalid"
    assert refused.value.message == "api/a.proto:2:7: not UTF-8, as .proto files have to be"
    assert refused.value.hint == "iconv -f latin1 -t utf-8 api/a.proto -o api/a.proto, then: dubbopy-cli generate"
