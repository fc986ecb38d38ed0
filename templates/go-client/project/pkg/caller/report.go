package caller

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"time"
)

// Report is how a number of calls went.
type Report struct {
	Method  string         `json:"method"` // package.Service/Method
	Calls   int            `json:"calls"`
	OK      int            `json:"ok"`
	Failed  int            `json:"failed"`
	IDs     map[string]int `json:"ids"`    // answers by the id of the server
	Errors  map[string]int `json:"errors"` // failures by gRPC code
	Latency Latency        `json:"latency_ms"`
	Seconds float64        `json:"seconds"`

	Answer  json.RawMessage `json:"answer,omitempty"`        // to one of the calls
	Message string          `json:"error_message,omitempty"` // of the first failure
}

// Latency is the time answered calls took, in milliseconds.
type Latency struct {
	Min  float64 `json:"min"`
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
}

func summarize(outcomes <-chan outcome, start time.Time) *Report {
	r := &Report{IDs: map[string]int{}, Errors: map[string]int{}}
	var times []time.Duration
	for o := range outcomes {
		r.Calls++
		if o.err != nil {
			if r.Failed++; r.Failed == 1 {
				r.Message = Message(o.err)
			}
			r.Errors[Code(o.err)]++
			continue
		}
		r.OK++
		r.IDs[o.id]++
		times = append(times, o.took)
	}
	r.Latency = latency(times)
	r.Seconds = round(time.Since(start).Seconds())
	return r
}

func latency(times []time.Duration) Latency {
	if len(times) == 0 {
		return Latency{}
	}
	slices.Sort(times)
	var total time.Duration
	for _, t := range times {
		total += t
	}
	// The smallest time within which at least that share of the calls was answered.
	within := func(share float64) float64 {
		return ms(times[int(math.Ceil(share*float64(len(times))))-1])
	}
	return Latency{
		Min:  ms(times[0]),
		Mean: ms(total / time.Duration(len(times))),
		P50:  within(0.50),
		P90:  within(0.90),
		P99:  within(0.99),
		Max:  ms(times[len(times)-1]),
	}
}

func ms(t time.Duration) float64 { return round(float64(t) / float64(time.Millisecond)) }

func round(x float64) float64 { return math.Round(x*1000) / 1000 }

// Write prints the report as text or json.
func (r *Report) Write(w io.Writer, format string) error {
	if format == "json" {
		return json.NewEncoder(w).Encode(r)
	}
	_, err := fmt.Fprintf(w, "%d calls in %.2f s: %d answered, %d failed\n", r.Calls, r.Seconds, r.OK, r.Failed)
	for _, counts := range []map[string]int{r.IDs, r.Errors} {
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			_, err = fmt.Fprintf(w, "  %-20s %6d  %5.1f %%\n", name, counts[name], 100*float64(counts[name])/float64(r.Calls))
		}
	}
	if r.OK > 0 {
		l := r.Latency
		_, err = fmt.Fprintf(w, "latency in ms: min %.2f  mean %.2f  p50 %.2f  p90 %.2f  p99 %.2f  max %.2f\n",
			l.Min, l.Mean, l.P50, l.P90, l.P99, l.Max)
	}
	return err
}
