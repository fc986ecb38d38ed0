package config

import (
	"testing"

	"dubbo.apache.org/dubbo-go/v3/remoting/xds"
)

func TestKeepListeningKnowsThisDubboGo(t *testing.T) {
	for _, istiod := range []*xds.WrappedClientImpl{nil, {}} {
		if err := keepListening(istiod); err != nil {
			t.Error(err)
		}
	}
}

func TestEventsWaitForNobody(t *testing.T) {
	events, slow := make(chan struct{}), make(chan struct{})
	go relay(events, slow)
	for range 3 {
		events <- struct{}{} // nobody takes what is handed on
	}
	<-slow
	select {
	case <-slow:
		t.Error("three events that nobody took are more than one")
	case events <- struct{}{}:
	}
	<-slow
}
