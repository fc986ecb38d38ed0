package logging

import (
	"bytes"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/dubbogo/gost/log/logger"
)

var line = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ .*\n$`)

func TestLines(t *testing.T) {
	tests := []struct {
		name string
		log  func()
		want string
	}{
		{"slog", func() { slog.Info(`name:"Hello laurence"`) }, `INFO name:"Hello laurence"`},
		{"slog with attributes", func() { slog.Error("call failed", "code", "UNAVAILABLE") }, "ERROR call failed code=UNAVAILABLE"},
		{"several lines", func() { slog.Warn("one\n\ntwo") }, "WARN one  two"},
		{"dubbo-go", func() { logger.Errorf("no %s", "server") }, "ERROR no server"},
		{"dubbo-go, several lines", func() { logger.Error("one\n\ttwo") }, "ERROR one two"},
		{"dubbo-go, very long", func() { logger.Error(strings.Repeat("x", 900)) }, "ERROR " + strings.Repeat("x", longest) + " ..."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			Setup(&out)
			test.log()
			if !line.MatchString(out.String()) {
				t.Errorf("not one line of time, level, text: %q", out.String())
			}
			if _, text, _ := strings.Cut(out.String(), " "); text != test.want+"\n" {
				t.Errorf("got %q, want %q", text, test.want)
			}
		})
	}
}

func TestDubboIsQuiet(t *testing.T) {
	var out bytes.Buffer
	Setup(&out)
	logger.Warn("no matching service config found")
	logger.Errorf("[Triple][Server] server serve failed, err=%v", http.ErrServerClosed)
	if out.Len() > 0 {
		t.Errorf("got %q, want nothing", out.String())
	}
}

func TestUnknownLevel(t *testing.T) {
	if _, err := newDubbo("loud"); err == nil || !strings.Contains(err.Error(), `"loud" is none of debug, info`) {
		t.Errorf("got %v", err)
	}
}
