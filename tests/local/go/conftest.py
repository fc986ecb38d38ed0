from pathlib import Path

import pytest

from ._project import Project, compiled

# Answers late, with a large answer, with a header, or not at all, as the name asks.
PLAY = """package service

import (
	"context"
	"fmt"
	"strings"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"

	"dubbo-go-server/api"
)

var tag = "dev"

type GreeterServerImpl struct{}

func (s *GreeterServerImpl) SayHello(ctx context.Context, in *api.HelloRequest) (*api.User, error) {
	what, value, _ := strings.Cut(in.Name, ":")
	user := &api.User{Name: "Hello " + in.Name, Id: "v" + tag, Age: 21}
	switch what {
	case "slow", "large":
		fmt.Println("began", in.Name)
		wait, err := time.ParseDuration(value)
		if err != nil {
			return nil, err
		}
		time.Sleep(wait)
		if what == "large" {
			user.Name = strings.Repeat("x", 3<<20)
		}
	case "header":
		attachments, _ := ctx.Value(constant.AttachmentKey).(map[string]any)
		user.Id = fmt.Sprint(attachments[value])
	case "fail":
		return nil, triple_protocol.NewError(triple_protocol.CodeResourceExhausted, fmt.Errorf("as\\nasked"))
	}
	return user, nil
}
"""


@pytest.fixture(scope="session")
def go_cache(pytestconfig: pytest.Config) -> Path:
    return pytestconfig.cache.mkdir("go-projects")


@pytest.fixture(scope="session")
def server(go_cache):
    """The server as newApp writes it."""
    return compiled(Project("server"), go_cache)


@pytest.fixture(scope="session")
def player(go_cache):
    """A server that plays the difficult cases."""
    return compiled(Project("server", edits={"pkg/service/service.go": PLAY}), go_cache)


@pytest.fixture(scope="session")
def client(go_cache):
    """The client as newApp writes it."""
    return compiled(Project("client"), go_cache)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def configured(tmp_path):
    """Write a configuration file; return the variable that names it."""

    def write(text: str) -> dict[str, str]:
        path = tmp_path / "given.yaml"
        path.write_text(text)
        return {"DUBBO_GO_CONFIG_PATH": str(path)}

    return write
