package config

import (
	"strings"
	"testing"

	"dubbo.apache.org/dubbo-go/v3/client"
	"dubbo.apache.org/dubbo-go/v3/global"
)

func TestReference(t *testing.T) {
	option, err := mustParse(t, both, nil).Reference("GreeterClientImpl")
	if err != nil {
		t.Fatal(err)
	}
	o := client.ReferenceOptions{Reference: global.DefaultReferenceConfig()}
	option(&o)
	if o.Reference.URL != "tri://shop:20000" || o.Reference.Retries != "0" {
		t.Errorf("reference is %+v", o.Reference)
	}
}

func TestReferenceRefused(t *testing.T) {
	c := mustParse(t, "dubbo:\n  consumer:\n    references:\n      A:\n        protocol: tri\n", nil)
	for name, want := range map[string]string{"A": "dubbo.consumer.references.A has no url", "B": "dubbo.consumer.references.B is missing"} {
		if _, err := c.Reference(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestXDSRefused(t *testing.T) {
	_, err := parse(t, "dubbo:\n  registries:\n    mesh:\n      protocol: xds\n      address: istiod:15010\n", nil)
	if err == nil || !strings.Contains(err.Error(), "dubbo.registries.mesh: dubbo-go removed its xds registry after 3.3.0") {
		t.Errorf("got %v", err)
	}
}
