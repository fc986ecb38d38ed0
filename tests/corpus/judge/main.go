// judge says what Istio's own code says about objects and istioctl has no words for: whether its CRDs take them, and
// what the analysis of a cluster finds among them. One JSON request a line on standard input, one answer a line.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"istio.io/istio/pkg/config/analysis/analyzers"
	"istio.io/istio/pkg/config/analysis/local"
	"istio.io/istio/pkg/config/crd"
	"istio.io/istio/pkg/log"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type request struct {
	// One object, to be held against its CRD.
	Object *unstructured.Unstructured `json:"object"`
	// Or the text of many, to be analyzed together.
	Objects string `json:"objects"`
}

type answer struct {
	Refused  string           `json:"refused,omitempty"`
	Messages []map[string]any `json:"messages,omitempty"`
	Failed   string           `json:"failed,omitempty"`
}

func main() {
	for _, scope := range log.Scopes() {
		scope.SetOutputLevel(log.NoneLevel)
	}
	validator, err := crd.NewValidatorFromFilesWithOptions(os.Args[1:], crd.WithoutCRDValidation())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked request
		said := answer{}
		if err := json.Unmarshal(line, &asked); err != nil {
			said.Failed = err.Error()
		} else if asked.Object != nil {
			if err := validator.ValidateCustomResource(asked.Object); err != nil {
				said.Refused = err.Error()
			}
		} else {
			said = analyze(asked.Objects)
		}
		if err := out.Encode(said); err != nil {
			return
		}
	}
}

// analyze does what `istioctl analyze` does in a cluster of these objects: unlike its analysis of files it looks at
// Services, pods, namespaces, nodes and Secrets as well.
func analyze(objects string) (said answer) {
	// Some analyzers take for granted what the API server sees to, such as the source of a rule of an AuthorizationPolicy.
	defer func() {
		if panicked := recover(); panicked != nil {
			said = answer{Failed: fmt.Sprint("panic: ", panicked)}
		}
	}()
	analyzer := local.NewIstiodAnalyzer(analyzers.AllCombined(), "", "istio-system", nil)
	source := []local.ReaderSource{{Name: "objects.yaml", Reader: strings.NewReader(objects)}}
	if err := analyzer.AddTestReaderKubeSource(source); err != nil {
		said.Failed = err.Error()
	}
	if err := analyzer.AddDefaultResources(); err != nil {
		return answer{Failed: err.Error()}
	}
	done := make(chan struct{})
	defer close(done)
	found, err := analyzer.Analyze(done)
	if err != nil {
		return answer{Failed: err.Error()}
	}
	for _, message := range found.Messages {
		said.Messages = append(said.Messages, message.Unstructured(true))
	}
	return said
}
