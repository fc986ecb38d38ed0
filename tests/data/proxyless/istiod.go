// Command istiod is as much of istiod as dubbo-go's xds registry asks for: ADS without TLS, and the debug page.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	self   = "10.9.0.254"
	server = "outbound|20000|%s|dubbo-go-server.default.svc.cluster.local"
)

// clusters are the addresses behind each cluster; istiod finds itself and each pod by its own.
var clusters = map[string][]string{
	"outbound|15010||" + self:                                   {self},
	"outbound|20000||dubbo-go-client.default.svc.cluster.local": {"10.9.0.3"},
	fmt.Sprintf(server, ""):                                     {"10.9.0.1", "10.9.0.2"},
	fmt.Sprintf(server, "v1"):                                   {"10.9.0.1"},
	fmt.Sprintf(server, "v2"):                                   {"10.9.0.2"},
}

type control struct {
	discovery.UnimplementedAggregatedDiscoveryServiceServer
	lock  sync.Mutex
	nodes map[string]any
}

// StreamAggregatedResources answers what has not been asked just before; the rest only says that an answer has come.
func (c *control) StreamAggregatedResources(stream discovery.AggregatedDiscoveryService_StreamAggregatedResourcesServer) error {
	asked := map[string]string{}
	for {
		request, err := stream.Recv()
		if err != nil {
			return err
		}
		if request.GetNode().GetMetadata() != nil {
			c.lock.Lock()
			c.nodes[request.Node.Id] = map[string]any{"metadata": request.Node.Metadata.AsMap()}
			c.lock.Unlock()
		}
		if request.ErrorDetail != nil {
			log.Fatal("refused: ", request)
		}
		slices.Sort(request.ResourceNames)
		names := fmt.Sprint(request.ResourceNames)
		if asked[request.TypeUrl] == names {
			continue
		}
		asked[request.TypeUrl] = names
		response := &discovery.DiscoveryResponse{VersionInfo: "1", Nonce: names, TypeUrl: request.TypeUrl}
		for _, resource := range resources(request) {
			packed, err := anypb.New(resource)
			if err != nil {
				return err
			}
			response.Resources = append(response.Resources, packed)
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
}

func resources(request *discovery.DiscoveryRequest) (found []proto.Message) {
	switch {
	case strings.HasSuffix(request.TypeUrl, ".Cluster"):
		for name := range clusters {
			found = append(found, edsCluster(name))
		}
	case strings.HasSuffix(request.TypeUrl, ".ClusterLoadAssignment"):
		for _, name := range request.ResourceNames {
			found = append(found, endpoints(name))
		}
	case strings.HasSuffix(request.TypeUrl, ".RouteConfiguration"):
		time.Sleep(2 * time.Second) // as an istiod that has much to do; dubbo-go's own wait is over by then
		for _, name := range request.ResourceNames {
			found = append(found, routes(name))
		}
	}
	return found
}

func edsCluster(name string) *cluster.Cluster {
	ads := &core.ConfigSource{ConfigSourceSpecifier: &core.ConfigSource_Ads{Ads: &core.AggregatedConfigSource{}}}
	return &cluster.Cluster{
		Name:                 name,
		ClusterDiscoveryType: &cluster.Cluster_Type{Type: cluster.Cluster_EDS},
		EdsClusterConfig:     &cluster.Cluster_EdsClusterConfig{ServiceName: name, EdsConfig: ads},
	}
}

func endpoints(name string) *endpoint.ClusterLoadAssignment {
	locality := &endpoint.LocalityLbEndpoints{Locality: &core.Locality{Region: "here"}, LoadBalancingWeight: wrapperspb.UInt32(1)}
	for _, address := range clusters[name] {
		socket := &core.SocketAddress{Address: address, PortSpecifier: &core.SocketAddress_PortValue{PortValue: 20000}}
		locality.LbEndpoints = append(locality.LbEndpoints, &endpoint.LbEndpoint{
			HealthStatus: core.HealthStatus_HEALTHY,
			HostIdentifier: &endpoint.LbEndpoint_Endpoint{Endpoint: &endpoint.Endpoint{
				Address: &core.Address{Address: &core.Address_SocketAddress{SocketAddress: socket}},
			}},
		})
	}
	return &endpoint.ClusterLoadAssignment{ClusterName: name, Endpoints: []*endpoint.LocalityLbEndpoints{locality}}
}

// routes shares the calls out by the two numbers in the file that WEIGHTS names.
func routes(name string) *route.RouteConfiguration {
	var weights [2]uint32
	text, _ := os.ReadFile(os.Getenv("WEIGHTS"))
	if _, err := fmt.Sscan(string(text), &weights[0], &weights[1]); err != nil {
		log.Fatal(err)
	}
	split := &route.WeightedCluster{}
	for i, version := range []string{"v1", "v2"} {
		split.Clusters = append(split.Clusters, &route.WeightedCluster_ClusterWeight{
			Name: fmt.Sprintf(server, version), Weight: wrapperspb.UInt32(weights[i]),
		})
	}
	action := &route.RouteAction{ClusterSpecifier: &route.RouteAction_WeightedClusters{WeightedClusters: split}}
	return &route.RouteConfiguration{Name: name, VirtualHosts: []*route.VirtualHost{{
		Name:    name,
		Domains: []string{"*"},
		Routes: []*route.Route{{
			Match:  &route.RouteMatch{PathSpecifier: &route.RouteMatch_Prefix{Prefix: "/"}},
			Action: &route.Route_Route{Route: action},
		}},
	}}}
}

// debug lists the connected nodes, for those who show the token.
func (c *control) debug(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer TOKEN" {
		http.Error(w, "no token", http.StatusForbidden)
		return
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	list := []any{}
	for _, node := range c.nodes {
		list = append(list, node)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"clients": list})
}

func main() {
	c := &control{nodes: map[string]any{}}
	http.HandleFunc("/debug/adsz", c.debug)
	go func() { log.Fatal(http.ListenAndServe(self+":8080", nil)) }()
	listener, err := net.Listen("tcp", self+":15010")
	if err != nil {
		log.Fatal(err)
	}
	s := grpc.NewServer()
	discovery.RegisterAggregatedDiscoveryServiceServer(s, c)
	fmt.Println("ready")
	log.Fatal(s.Serve(listener))
}
