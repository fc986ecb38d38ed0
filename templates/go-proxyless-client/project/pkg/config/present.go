package config

import (
	"sync"

	"dubbo.apache.org/dubbo-go/v3/cluster/router"
	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/common/extension"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	"dubbo.apache.org/dubbo-go/v3/remoting/xds"
	"dubbo.apache.org/dubbo-go/v3/xds/client"
	"dubbo.apache.org/dubbo-go/v3/xds/client/resource"
)

// present keeps calls from servers that are gone. dubbo-go 3.3.0 itself never
// forgets an address that istiod once sent, and calls it for ever.
type present struct {
	lock sync.RWMutex
	// By cluster, that is by subset of a Service; nil until istiod has told.
	addresses map[string]map[string]bool
}

func init() {
	extension.SetRouterFactory("present", func() router.PriorityRouterFactory {
		return &present{addresses: map[string]map[string]bool{}}
	})
}

// NewPriorityRouter is called once for each client.
func (p *present) NewPriorityRouter() (router.PriorityRouter, error) { return p, nil }

// URL is of no use for this router.
func (*present) URL() *common.URL { return nil }

// Priority does not matter: this router only takes away.
func (*present) Priority() int64 { return 0 }

// Notify is told of every server that dubbo-go knows, and starts to watch their clusters.
func (p *present) Notify(servers []protocol.Invoker) {
	istiod := xds.GetXDSWrappedClient()
	if istiod == nil {
		return
	}
	watcher, err := hidden[client.XDSClient](istiod, "xdsClient")
	if err != nil {
		return // keepListening has told
	}
	for _, server := range servers {
		if cluster := clusterOf(server); cluster != "" && p.add(cluster) {
			(*watcher).WatchEndpoints(cluster, func(update resource.EndpointsUpdate, err error) {
				if err == nil {
					p.set(cluster, update)
				}
			})
		}
	}
}

// Route leaves the servers that istiod still has. A call that is under way to another one ends as it may.
func (p *present) Route(servers []protocol.Invoker, _ *common.URL, _ protocol.Invocation) []protocol.Invoker {
	p.lock.RLock()
	defer p.lock.RUnlock()
	var left []protocol.Invoker
	for _, server := range servers {
		known := p.addresses[clusterOf(server)]
		if known == nil || known[server.GetURL().Location] {
			left = append(left, server)
		}
	}
	return left
}

func (p *present) add(cluster string) bool {
	p.lock.Lock()
	defer p.lock.Unlock()
	if _, found := p.addresses[cluster]; found {
		return false
	}
	p.addresses[cluster] = nil
	return true
}

func (p *present) set(cluster string, update resource.EndpointsUpdate) {
	known := map[string]bool{}
	for _, locality := range update.Localities {
		for _, endpoint := range locality.Endpoints {
			known[endpoint.Address] = endpoint.HealthStatus != resource.EndpointHealthStatusUnhealthy
		}
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	p.addresses[cluster] = known
}

func clusterOf(server protocol.Invoker) string {
	return server.GetURL().GetParam(constant.MeshClusterIDKey, "")
}
