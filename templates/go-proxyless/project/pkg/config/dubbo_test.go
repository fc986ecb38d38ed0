package config

import (
	"strings"
	"testing"

	"dubbo.apache.org/dubbo-go/v3/common"
)

const mesh = "dubbo:\n  registries:\n    mesh:\n      protocol: xds\n      registry-type: interface\n      address: istiod:15010\n"

type named struct{ common.RPCService }

func (named) XXX_InterfaceName() string { return "api.Greeter" }

func TestReferRefused(t *testing.T) {
	for name, want := range map[string]string{"named": "dubbo.consumer.references.named has no url", "B": "dubbo.consumer.references.named is missing"} {
		c := mustParse(t, "dubbo:\n  consumer:\n    references:\n      "+name+":\n        protocol: tri\n", nil)
		if err := c.Refer(&named{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestXDSNeedsAnInterfaceRegistry(t *testing.T) {
	_, err := parse(t, strings.Replace(mesh, "      registry-type: interface\n", "", 1), nil)
	if err == nil || !strings.Contains(err.Error(), "dubbo.registries.mesh needs `registry-type: interface`") {
		t.Errorf("got %v", err)
	}
}

func TestXDSNeedsAPod(t *testing.T) {
	c := mustParse(t, mesh, nil)
	for _, pod := range [][2]string{{"", "default"}, {"shop-1", ""}} {
		t.Setenv("POD_NAME", pod[0])
		t.Setenv("POD_NAMESPACE", pod[1])
		if err := c.Serve(&named{}); err == nil || !strings.Contains(err.Error(), "the xds registry needs POD_NAME and POD_NAMESPACE") {
			t.Errorf("got %v", err)
		}
	}
}

func TestPanicsAreErrors(t *testing.T) {
	c := mustParse(t, mesh, nil)
	err := c.guarded(func() error { panic("No provider available of the\n service api.Greeter") })
	if err == nil || !strings.Contains(err.Error(), "No provider available of the service api.Greeter (no server has registered, or istiod") {
		t.Errorf("got %v", err)
	}
}
