package config

import (
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const both = `
dubbo:
  application:
    name: shop
  protocols:
    triple:
      name: tri
      port: 20000
  consumer:
    request-timeout: 3s
    references:
      GreeterClientImpl:
        url: tri://shop:20000
        retries: 0
        attachments:
          User: admin
          tenant: 7
`

func from(env map[string]string) lookup {
	return func(name string) (string, bool) {
		value, found := env[name]
		return value, found
	}
}

func parse(t *testing.T, text string, env map[string]string) (*Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dubbogo.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return load(path, from(env))
}

func mustParse(t *testing.T, text string, env map[string]string) *Config {
	t.Helper()
	c, err := parse(t, text, env)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFile(t *testing.T) {
	c := mustParse(t, both, nil)
	if got := c.options.Application.Name; got != "shop" {
		t.Errorf("application is %q", got)
	}
	if got := c.options.Protocols["triple"]; got.Ip != "" || got.Port != "20000" {
		t.Errorf("protocol is %+v", got)
	}
	want := map[string]string{"user": "admin", "tenant": "7"}
	if got := c.Attachments("GreeterClientImpl"); !reflect.DeepEqual(got, want) {
		t.Errorf("attachments are %v, want %v", got, want)
	}
}

func TestEnvironmentIsStronger(t *testing.T) {
	c := mustParse(t, both, map[string]string{
		"DUBBO_HOST":        "127.0.0.1",
		"DUBBO_PORT":        "20001",
		"DUBBO_SERVER_URL":  "127.0.0.1:9",
		"DUBBO_TIMEOUT":     "500ms",
		"DUBBO_RETRIES":     "2",
		"DUBBO_ATTACHMENTS": "user=guest, Trace=a=b,",
		"DUBBO_LOG_LEVEL":   "debug",
	})
	if got := c.options.Protocols["triple"]; got.Ip != "127.0.0.1" || got.Port != "20001" {
		t.Errorf("protocol is %+v", got)
	}
	got := c.options.Consumer.References["GreeterClientImpl"]
	if got.URL != "tri://127.0.0.1:9" || got.Retries != "2" || got.RequestTimeout != "500ms" {
		t.Errorf("reference is %+v", got)
	}
	want := map[string]string{"user": "guest", "tenant": "7", "trace": "a=b"}
	if got := c.Attachments("GreeterClientImpl"); !reflect.DeepEqual(got, want) {
		t.Errorf("attachments are %v, want %v", got, want)
	}
	if got := c.options.Logger.Level; got != "debug" {
		t.Errorf("log level is %q", got)
	}
}

func TestIPv6Host(t *testing.T) {
	for _, host := range []string{"::1", "[::1]"} {
		c := mustParse(t, both, map[string]string{"DUBBO_HOST": host})
		if got := c.options.Protocols["triple"].Ip; got != "[::1]" {
			t.Errorf("host %s becomes %q", host, got)
		}
	}
}

func TestAlmostEmptyFile(t *testing.T) {
	c := mustParse(t, "dubbo:\n  protocols:\n    triple:\n  consumer:\n    references:\n      A:\n", map[string]string{
		"DUBBO_PORT": "20001", "DUBBO_SERVER_URL": "tri://a:1", "DUBBO_ATTACHMENTS": "k=v",
	})
	if got := c.options.Protocols["triple"].Port; got != "20001" {
		t.Errorf("port is %q", got)
	}
	if got := c.Attachments("A")["k"]; got != "v" {
		t.Errorf("attachment is %q", got)
	}
}

func TestExpand(t *testing.T) {
	env := from(map[string]string{"HOST": "shop", "EMPTY": ""})
	tests := []struct{ text, want string }{
		{"a: $HOST", "a: shop"},
		{"a: tri://${HOST}:20000", "a: tri://shop:20000"},
		{"a: ${HOST:other}", "a: shop"},
		{"a: ${NONE:other}", "a: other"},
		{"a: ${NONE:tri://b:1}", "a: tri://b:1"},
		{"a: ${NONE:}", "a: "},
		{"a: ${EMPTY:other}", "a: "},
		{"a: 5$$, $$HOST", "a: 5$, $HOST"},
		{"a: ${dubbo.application.name}", "a: ${dubbo.application.name}"},
		{"a: 1$", "a: 1$"},
		{"# $NONE\na: b", "# $NONE\na: b"},
	}
	for _, test := range tests {
		got, err := expand(test.text, env)
		if err != nil || got != test.want {
			t.Errorf("expand(%q) = %q, %v, want %q", test.text, got, err, test.want)
		}
	}
}

func TestProfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dubbogo.yaml")
	over := strings.TrimSuffix(path, ".yaml") + "-test.yaml"
	for name, text := range map[string]string{
		path: both + "  profiles:\n    active: ${STAGE}\n",
		over: "dubbo:\n  protocols:\n    triple:\n      port: ${OTHER:20002}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := load(path, from(map[string]string{"STAGE": "test"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.options.Protocols["triple"].Port; got != "20002" {
		t.Errorf("port is %q", got)
	}
}

func TestRefused(t *testing.T) {
	tests := []struct {
		name, text string
		env        map[string]string
		want       string
	}{
		{"no value", "dubbo:\n  application:\n    name: $NAME\n", nil, "line 3: NAME is not set; set it or write ${NAME:default}"},
		{"empty", "\n", nil, "is empty"},
		{"not YAML", "dubbo: [", nil, "yaml: line 1"},
		{"wrong type", "dubbo:\n  protocols: 7\n", nil, "protocols"},
		{"application version", "dubbo:\n  application:\n    version: 1.0.0\n", nil, "dubbo.application.version must not be set"},
		{"port", both, map[string]string{"DUBBO_PORT": "70000"}, "DUBBO_PORT=70000: a port is a number from 1 to 65535"},
		{"timeout", both, map[string]string{"DUBBO_TIMEOUT": "3"}, "DUBBO_TIMEOUT=3: a timeout is a duration"},
		{"retries", both, map[string]string{"DUBBO_RETRIES": "-1"}, "DUBBO_RETRIES=-1: retries are a number"},
		{"attachments", both, map[string]string{"DUBBO_ATTACHMENTS": "user"}, "DUBBO_ATTACHMENTS=user: attachments are pairs"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parse(t, test.text, test.env)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestTakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	c := mustParse(t, both, map[string]string{"DUBBO_HOST": "127.0.0.1", "DUBBO_PORT": port})
	if _, err := c.FreeAddresses(); err == nil || !strings.Contains(err.Error(), "cannot serve: listen tcp 127.0.0.1:"+port) {
		t.Errorf("got %v", err)
	}
}
