// Package logging gives every line of the program the same form, dubbo-go's own
// lines included: the time in UTC, the level, the text.
package logging

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	// Driver is the value of dubbo.logger.driver that selects this package.
	Driver = "plain"

	// DefaultLevel keeps dubbo-go quiet while nothing is wrong; at "warn" it is not.
	DefaultLevel = "error"

	// longest cuts dubbo-go's lines, some of which carry several whole URLs.
	longest = 300
)

var levels = []string{"debug", "info", "warn", "error", "fatal"}

// Setup sends the lines of log, log/slog and dubbo-go to w.
func Setup(w io.Writer) {
	log.SetFlags(0)
	log.SetOutput(stamp{w})
	// dubbo-go has things to say before it has read its configuration.
	early, _ := newDubbo(DefaultLevel)
	install(early)
}

// stamp puts the time before each record and makes it one line.
type stamp struct{ to io.Writer }

func (s stamp) Write(record []byte) (int, error) {
	line := time.Now().UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z ")
	line = append(line, bytes.ReplaceAll(bytes.TrimRight(record, "\n"), []byte("\n"), []byte(" "))...)
	if _, err := s.to.Write(append(line, '\n')); err != nil {
		return 0, err
	}
	return len(record), nil
}

// dubbo is dubbo-go's logger: the lines from the level least on.
type dubbo struct{ least int }

func newDubbo(level string) (*dubbo, error) {
	d := &dubbo{}
	if !d.SetLoggerLevel(level) {
		return nil, fmt.Errorf("log level %q is none of %s", level, strings.Join(levels, ", "))
	}
	return d, nil
}

// SetLoggerLevel reports whether level is the name of a level.
func (d *dubbo) SetLoggerLevel(level string) bool {
	for i, name := range levels {
		if strings.EqualFold(name, level) {
			d.least = i
			return true
		}
	}
	return false
}

func (d *dubbo) Debug(args ...any) { d.print(0, fmt.Sprint(args...)) }
func (d *dubbo) Info(args ...any)  { d.print(1, fmt.Sprint(args...)) }
func (d *dubbo) Warn(args ...any)  { d.print(2, fmt.Sprint(args...)) }
func (d *dubbo) Error(args ...any) { d.print(3, fmt.Sprint(args...)) }
func (d *dubbo) Fatal(args ...any) { d.print(4, fmt.Sprint(args...)) }

func (d *dubbo) Debugf(format string, args ...any) { d.print(0, fmt.Sprintf(format, args...)) }
func (d *dubbo) Infof(format string, args ...any)  { d.print(1, fmt.Sprintf(format, args...)) }
func (d *dubbo) Warnf(format string, args ...any)  { d.print(2, fmt.Sprintf(format, args...)) }
func (d *dubbo) Errorf(format string, args ...any) { d.print(3, fmt.Sprintf(format, args...)) }
func (d *dubbo) Fatalf(format string, args ...any) { d.print(4, fmt.Sprintf(format, args...)) }

func (d *dubbo) print(level int, text string) {
	// The end of every server: no error, though dubbo-go logs it as one.
	closed := strings.HasSuffix(text, http.ErrServerClosed.Error())
	if level >= d.least && !closed {
		text = strings.Join(strings.Fields(text), " ")
		if len(text) > longest {
			text = text[:longest] + " ..."
		}
		log.Print(strings.ToUpper(levels[level]), " ", text)
	}
	if levels[level] == "fatal" {
		os.Exit(1)
	}
}
