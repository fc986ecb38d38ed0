package caller

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"
)

func TestRun(t *testing.T) {
	var made, under, most atomic.Int64
	report := Run(context.Background(), 100, 8, func(context.Context) (string, error) {
		now := under.Add(1)
		defer under.Add(-1)
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
		switch n := made.Add(1); {
		case n%10 == 0:
			return "", triple_protocol.NewError(triple_protocol.CodeUnavailable, errors.New("no server"))
		case n%2 == 0:
			return "v2.0.0", nil
		}
		return "v1.0.0", nil
	})
	if report.Calls != 100 || report.OK != 90 || report.Failed != 10 {
		t.Errorf("calls, ok, failed are %d, %d, %d", report.Calls, report.OK, report.Failed)
	}
	if want := map[string]int{"v1.0.0": 50, "v2.0.0": 40}; !reflect.DeepEqual(report.IDs, want) {
		t.Errorf("ids are %v, want %v", report.IDs, want)
	}
	if want := map[string]int{"UNAVAILABLE": 10}; !reflect.DeepEqual(report.Errors, want) {
		t.Errorf("errors are %v, want %v", report.Errors, want)
	}
	if report.Message != "no server" {
		t.Errorf("the message is %q", report.Message)
	}
	if most.Load() > 8 {
		t.Errorf("%d calls were under way at a time", most.Load())
	}
}

func TestRunStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	report := Run(ctx, 1000, 1, func(ctx context.Context) (string, error) {
		cancel()
		return "", ctx.Err()
	})
	if report.Calls != 0 || report.Failed != 0 {
		t.Errorf("a call that was broken off was counted: %+v", report)
	}
}

func TestCodeAndMessage(t *testing.T) {
	deadline := triple_protocol.NewError(triple_protocol.CodeDeadlineExceeded, errors.New("too\n late"))
	tests := []struct {
		err           error
		code, message string
	}{
		{deadline, "DEADLINE_EXCEEDED", "too late"},
		{fmt.Errorf("wrapped: %w", deadline), "DEADLINE_EXCEEDED", "too late"},
		{triple_protocol.NewError(triple_protocol.CodeCanceled, errors.New("gone")), "CANCELLED", "gone"},
		{errors.New("no invoker"), "UNKNOWN", "no invoker"},
	}
	for _, test := range tests {
		if got := Code(test.err); got != test.code {
			t.Errorf("code of %v is %s, want %s", test.err, got, test.code)
		}
		if got := Message(test.err); got != test.message {
			t.Errorf("message of %v is %q, want %q", test.err, got, test.message)
		}
	}
}

func TestLatency(t *testing.T) {
	var times []time.Duration
	for i := 100; i > 0; i-- {
		times = append(times, time.Duration(i)*time.Millisecond)
	}
	if got, want := latency(times), (Latency{1, 50.5, 50, 90, 99, 100}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := latency(times[:1]), (Latency{1, 1, 1, 1, 1, 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := latency(nil); got != (Latency{}) {
		t.Errorf("got %+v, want nothing", got)
	}
}

func TestWrite(t *testing.T) {
	report := &Report{Calls: 3, OK: 2, Failed: 1, IDs: map[string]int{"v1.0.0": 2}, Errors: map[string]int{"UNAVAILABLE": 1}, Seconds: 1.5}
	var out bytes.Buffer
	if err := report.Write(&out, "json"); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || !reflect.DeepEqual(&back, report) {
		t.Errorf("got %+v, %v", back, err)
	}
	out.Reset()
	if err := report.Write(&out, "text"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"3 calls in 1.50 s: 2 answered, 1 failed", "v1.0.0", "UNAVAILABLE", "66.7 %"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %q", want, out.String())
		}
	}
}
