package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// options are what the command line says.
type options struct {
	calls   int // 0: one a second, until the program is stopped
	workers int
	name    string
	headers map[string]string
	timeout time.Duration // 0: as configured
	output  string
}

func parseFlags() options {
	opts := options{output: "text", headers: map[string]string{}}
	flag.IntVar(&opts.calls, "n", 0, "make `CALLS` calls, print a report and exit; 0 calls once a second for ever")
	flag.IntVar(&opts.workers, "c", 1, "with -n: how many `CALLS` are under way at a time")
	flag.StringVar(&opts.name, "name", "laurence", "the `NAME` to greet")
	flag.DurationVar(&opts.timeout, "timeout", 0, "give up a call after this `TIME`, such as 3s (default as configured)")
	flag.Func("header", "send `KEY=VALUE` with every call; may be repeated", opts.addHeader)
	flag.Func("o", "with -n: the `FORMAT` of the report, text or json (default text)", opts.setOutput)
	flag.Parse()
	if err := opts.check(flag.Args()); err != nil {
		fmt.Fprintln(flag.CommandLine.Output(), err)
		flag.Usage()
		os.Exit(2)
	}
	return opts
}

func (o *options) addHeader(pair string) error {
	key, value, found := strings.Cut(pair, "=")
	if !found || key == "" {
		return errors.New("a header is KEY=VALUE")
	}
	o.headers[strings.ToLower(key)] = value
	return nil
}

func (o *options) setOutput(format string) error {
	if format != "text" && format != "json" {
		return errors.New("a format is text or json")
	}
	o.output = format
	return nil
}

func (o *options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case o.calls < 0:
		return errors.New("-n must not be negative")
	case o.workers < 1:
		return errors.New("-c must be at least 1")
	case o.timeout < 0:
		return errors.New("-timeout must not be negative")
	}
	return nil
}
