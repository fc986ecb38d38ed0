package config

import (
	"errors"
	"reflect"
	"sync/atomic"
	"unsafe"

	"dubbo.apache.org/dubbo-go/v3/remoting/xds"
)

// keepListening lets dubbo-go 3.3.0 hear istiod for as long as it runs. When a
// subset or a Service goes, it holds a lock while it hands an event over, and
// whoever takes the event waits for that lock: often neither goes on, and the
// program never again learns of a route or an address. Here somebody else
// takes every event at once.
func keepListening(istiod *xds.WrappedClientImpl) error {
	if istiod == nil {
		return nil
	}
	place, err := hidden[chan struct{}](istiod, "cdsUpdateEventChan")
	if err != nil {
		return err
	}
	events, slow := make(chan struct{}), *place
	go relay(events, slow)
	// dubbo-go may read it in this moment.
	atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(place)), *(*unsafe.Pointer)(unsafe.Pointer(&events)))
	return nil
}

// relay takes events at any time and hands one on for all that came meanwhile:
// each means no more than "look at everything again".
func relay(events <-chan struct{}, slow chan<- struct{}) {
	var next chan<- struct{} // nil, which takes nothing, while there is no event
	for {
		select {
		case <-events:
			next = slow
		case next <- struct{}{}:
			next = nil
		}
	}
}

// hidden returns a field that dubbo-go keeps to itself.
func hidden[T any](istiod *xds.WrappedClientImpl, name string) (*T, error) {
	field := reflect.ValueOf(istiod).Elem().FieldByName(name)
	if !field.IsValid() || field.Type() != reflect.TypeFor[T]() {
		return nil, errors.New("this dubbo-go is not 3.3.0, for which this program is written")
	}
	return (*T)(unsafe.Pointer(field.UnsafeAddr())), nil
}
