// Package caller makes many calls and reports how they went.
package caller

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"
)

// Call makes one call and returns the id of the server that answered.
type Call func(context.Context) (id string, err error)

// outcome is one finished call.
type outcome struct {
	id   string
	err  error
	took time.Duration
}

// Run makes n calls, of which up to workers are under way at a time. It stops early when ctx is done.
func Run(ctx context.Context, n, workers int, call Call) *Report {
	start := time.Now()
	todo := make(chan struct{})
	outcomes := make(chan outcome)
	var group sync.WaitGroup
	for range min(n, workers) {
		group.Go(func() {
			for range todo {
				began := time.Now()
				id, err := call(ctx)
				if ctx.Err() == nil {
					outcomes <- outcome{id, err, time.Since(began)}
				}
			}
		})
	}
	go func() {
		hand(ctx, n, todo)
		group.Wait()
		close(outcomes)
	}()
	return summarize(outcomes, start)
}

func hand(ctx context.Context, n int, todo chan<- struct{}) {
	defer close(todo)
	for range n {
		select {
		case todo <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
}

// Code is the gRPC name of an error's code, such as UNAVAILABLE.
func Code(err error) string {
	code := triple_protocol.CodeOf(err)
	if code == triple_protocol.CodeCanceled {
		return "CANCELLED" // spelled so by gRPC only
	}
	return strings.ToUpper(code.String())
}

// Message is the text of an error without its code, on one line.
func Message(err error) string {
	text := err.Error()
	var coded *triple_protocol.Error
	if errors.As(err, &coded) {
		text = coded.Message()
	}
	return strings.Join(strings.Fields(text), " ")
}
