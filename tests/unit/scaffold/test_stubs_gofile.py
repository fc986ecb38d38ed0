import re

import pytest

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.process import SubprocessRunner
from dubbopy_cli.scaffold import catalogue
from dubbopy_cli.scaffold.stubs import gofile, golang, gonames
from dubbopy_cli.scaffold.stubs.model import Import
from dubbopy_cli.scaffold.stubs.protoc import Protoc, sources

TEMPLATES = catalogue.root() / "_stubs"


def go_files(root, **protos):
    (root / "api").mkdir()
    for name, text in protos.items():
        (root / "api" / f"{name}.proto").write_text(f'syntax = "proto3";\n{text}')
    described, _ = Protoc(SubprocessRunner(), root).describe(own := sources(root), root)
    return gofile.go_files(described, gonames.packages(described, own, "m"), own)


def test_the_checked_in_stub_is_what_the_template_makes(tmp_path):
    project = catalogue.root() / "go/project"
    described, _ = Protoc(SubprocessRunner(), project).describe(own := ("api/api.proto",), tmp_path)
    (file,) = gofile.go_files(described, gonames.packages(described, own, "any/module"), own)
    assert golang.render(file, TEMPLATES) == (project / "api/api.triple.go").read_text()


def test_the_proto_of_both_languages_is_the_same():
    first, second = (catalogue.root() / lang / "project/api/api.proto" for lang in ("go", "python"))
    assert first.read_text() == second.read_text()


def test_kinds_comments_and_types_are_read(tmp_path):
    (file,) = go_files(
        tmp_path,
        a="""package a.v1;
import "google/protobuf/empty.proto";
message M { message Line {} }
// Of the service.
//go:directive
service s {
  rpc one(M) returns (M.Line);
  // First.
  //
  //   Second.
  rpc In(stream M) returns (google.protobuf.Empty);
  rpc Out(M) returns (stream M);
  rpc Both(stream M) returns (stream M); // behind
}
""",
    )
    assert (file.source, file.package) == ("api/a.proto", "api")
    assert file.imports == (Import("emptypb", "google.golang.org/protobuf/types/known/emptypb"),)
    (service,) = file.services
    assert (service.full_name, service.go_name) == ("a.v1.s", "S")
    assert service.doc == (" Of the service.", " go:directive")
    assert [(m.name, m.go_name, m.kind, m.request, m.response) for m in service.methods] == [
        ("one", "One", "unary", "M", "M_Line"),
        ("In", "In", "client", "M", "emptypb.Empty"),
        ("Out", "Out", "server", "M", "M"),
        ("Both", "Both", "bidi", "M", "M"),
    ]
    assert [m.doc for m in service.methods] == [(), (" First.", "", "   Second."), (), (" behind",)]


def test_a_service_without_a_package_has_a_name_without_a_dot(tmp_path):
    (file,) = go_files(tmp_path, a="message M {}\nservice S { rpc R(M) returns (M); }")
    assert file.services[0].full_name == "S"


def test_files_without_services_make_no_client(tmp_path):
    files = go_files(tmp_path, a="package a;\nmessage M {}", b="package b;\nservice S {}")
    assert [file.source for file in files] == ["api/b.proto"]
    text = golang.render(files[0], TEMPLATES)
    assert '"context"' not in text
    assert "common/constant" not in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("message S {}\nservice s {}", "message a.S and service a.s both become the Go name S"),
        ("message SHandler {}\nservice S {}", "message a.SHandler and service a.S both become the Go name SHandler"),
        ("enum NewS { A = 0; }\nservice S {}", "enum a.NewS and service a.S both become the Go name NewS"),
        (
            "message M {}\nservice S { rpc x(M) returns (M); rpc X(M) returns (M); }",
            "rpc a.S.x and rpc a.S.X both become the Go name X",
        ),
    ],
)
def test_names_that_meet_in_go_are_refused_before_the_compiler_sees_them(tmp_path, text, message):
    with pytest.raises(DubbopyError) as refused:
        go_files(tmp_path, a=f"package a;\n{text}")
    assert refused.value.code == "proto-invalid"
    assert refused.value.message == message
    assert refused.value.hint == "rename one of them in the .proto, then: dubbopy-cli generate"


def test_the_public_names_are_those_of_the_official_plugin(tmp_path):
    rpcs = "rpc A(M) returns (M); rpc B(stream M) returns (M); rpc C(M) returns (stream M); rpc D(stream M) returns (stream M);"
    (file,) = go_files(tmp_path, a=f"package a;\nmessage M {{}}\nservice S {{ {rpcs} }}")
    text = golang.render(file, TEMPLATES)
    declared = set(re.findall(r"^(?:type|func|const|var) ([A-Z]\w*)", text, re.MULTILINE))
    streams = {f"S{_}{rpc}{side}" for _ in ("", "_") for rpc in "BCD" for side in ("Client", "Server")}
    assert declared == streams | {
        "S",
        "SName",
        "SImpl",
        "SHandler",
        "NewS",
        "RegisterSHandler",
        "SetConsumerS",
        "SetProviderS",
        "S_ClientInfo",
        "S_ServiceInfo",
        *(f"S{rpc}Procedure" for rpc in "ABCD"),
    }
