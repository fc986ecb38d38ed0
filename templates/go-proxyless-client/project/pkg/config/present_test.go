package config

import (
	"testing"

	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	"dubbo.apache.org/dubbo-go/v3/remoting/xds"
	"dubbo.apache.org/dubbo-go/v3/xds/client"
	"dubbo.apache.org/dubbo-go/v3/xds/client/resource"
)

func TestServersThatIstiodNoLongerHasGetNoCalls(t *testing.T) {
	p := &present{addresses: map[string]map[string]bool{}}
	servers := []protocol.Invoker{at("a:1", "v1"), at("b:1", "v1"), at("c:1", "v2")}
	want := func(addresses ...string) {
		t.Helper()
		var got []string
		for _, server := range p.Route(servers, nil, nil) {
			got = append(got, server.GetURL().Location)
		}
		if len(got) != len(addresses) {
			t.Fatalf("got %v, want %v", got, addresses)
		}
		for i := range got {
			if got[i] != addresses[i] {
				t.Fatalf("got %v, want %v", got, addresses)
			}
		}
	}
	want("a:1", "b:1", "c:1")
	if !p.add("v1") || p.add("v1") {
		t.Error("a cluster is watched once")
	}
	want("a:1", "b:1", "c:1") // istiod has not told yet
	p.set("v1", update("b:1", "new:1"))
	want("b:1", "c:1")
	p.set("v1", update("a:1"))
	want("a:1", "c:1")
	p.set("v1", update())
	want("c:1")
}

func TestThisDubboGoHasTheClientOfIstiod(t *testing.T) {
	if _, err := hidden[client.XDSClient](&xds.WrappedClientImpl{}, "xdsClient"); err != nil {
		t.Error(err)
	}
}

func at(location, cluster string) protocol.Invoker {
	url, _ := common.NewURL("tri://" + location + "/api.Greeter")
	url.AddParam(constant.MeshClusterIDKey, cluster)
	return protocol.NewBaseInvoker(url)
}

func update(addresses ...string) resource.EndpointsUpdate {
	locality := resource.Locality{}
	for _, address := range addresses {
		locality.Endpoints = append(locality.Endpoints, resource.Endpoint{Address: address})
	}
	return resource.EndpointsUpdate{Localities: []resource.Locality{locality}}
}
