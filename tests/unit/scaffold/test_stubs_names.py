import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from dubbopy_cli.errors import DubbopyError
from dubbopy_cli.scaffold.stubs import gonames
from dubbopy_cli.scaffold.stubs.gonames import Package


@pytest.mark.parametrize(
    ("name", "go"),
    [
        ("HelloRequest", "HelloRequest"),
        ("func", "Func"),
        ("snake_case", "SnakeCase"),
        ("snake_Case", "Snake_Case"),
        ("HTTPrequest", "HTTPrequest"),
        ("inner_2x", "Inner_2X"),
        ("v1beta1", "V1Beta1"),
        ("_hidden", "XHidden"),
        ("_Hidden", "XHidden"),
        ("__twice", "XTwice"),
        ("Order.Line", "Order_Line"),
        ("Order.line", "OrderLine"),
        ("Order._line", "Order_XLine"),
    ],
)
def test_messages_are_named_as_protoc_gen_go_does(name, go):
    assert gonames.camel(name) == go


@pytest.mark.parametrize(
    ("text", "name"), [("api", "api"), ("my-api", "my_api"), ("type", "_type"), ("2024", "_2024"), ("", "_")]
)
def test_a_package_name_is_always_legal(text, name):
    assert gonames.package_name(text) == name


@pytest.mark.parametrize(
    ("name", "taken", "alias"),
    [
        ("emptypb", [], "emptypb"),
        ("client", [], "client1"),
        ("req", [], "req1"),
        ("v1", ["v1"], "v11"),
        ("v1", ["v1", "v11"], "v12"),
        ("range", [], "range1"),
    ],
)
def test_an_alias_hides_nothing_that_the_file_uses(name, taken, alias):
    assert gonames.alias(name, taken) == alias


def packages(*files, own=()):
    described = FileDescriptorSet()
    for name, go_package in files:
        file = described.file.add(name=name)
        file.options.go_package = go_package
    return gonames.packages(described, own, "example.com/shop")


def test_a_project_s_own_files_live_where_their_folder_is():
    own = ("api/api.proto", "api/v1/x.proto", "api/type/y.proto", "api/z/z.proto")
    assert packages(
        ("api/api.proto", "./api;greet"),
        ("api/v1/x.proto", ""),
        ("api/type/y.proto", ""),
        ("api/z/z.proto", "somewhere/else/zed"),
        own=own,
    ) == {
        "api/api.proto": Package("example.com/shop/api", "greet"),
        "api/v1/x.proto": Package("example.com/shop/api/v1", "v1"),
        "api/type/y.proto": Package("example.com/shop/api/type", "_type"),
        "api/z/z.proto": Package("example.com/shop/api/z", "zed"),
    }


def test_imported_files_live_where_they_say():
    empty = ("google/protobuf/empty.proto", "google.golang.org/protobuf/types/known/emptypb")
    assert packages(empty) == {empty[0]: Package("google.golang.org/protobuf/types/known/emptypb", "emptypb")}
    with pytest.raises(DubbopyError) as refused:
        packages(("other/x.proto", ""))
    assert refused.value.code == "proto-invalid"
    assert refused.value.message == "other/x.proto is imported from outside api/ and does not say where its Go code is"
    assert refused.value.hint == (
        'give other/x.proto a line such as: option go_package = "example.com/module/package;package";'
    )


def test_messages_of_a_file_without_a_package_are_found():
    described = FileDescriptorSet(file=[FileDescriptorProto(name="api/x.proto")])
    outer = described.file[0].message_type.add(name="Outer")
    outer.nested_type.add(name="inner")
    assert gonames.messages(described) == {
        ".Outer": ("api/x.proto", "Outer"),
        ".Outer.inner": ("api/x.proto", "OuterInner"),
    }
