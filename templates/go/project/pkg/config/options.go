package config

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"github.com/knadh/koanf"
)

func (c *Config) decode(tree *koanf.Koanf) error {
	asYAML := koanf.UnmarshalConf{Tag: "yaml"}
	if err := tree.UnmarshalWithConf("dubbo", c.options, asYAML); err != nil {
		return err
	}
	var references map[string]struct {
		Attachments map[string]string `yaml:"attachments"`
	}
	if err := tree.UnmarshalWithConf("dubbo.consumer.references", &references, asYAML); err != nil {
		return err
	}
	complete(c.options)
	c.attachments = map[string]map[string]string{}
	for name := range c.options.Consumer.References {
		c.attachments[name] = map[string]string{}
		for key, value := range references[name].Attachments {
			c.attachments[name][strings.ToLower(key)] = value
		}
	}
	return nil
}

// complete fills in what dubbo-go would only after the environment has been applied.
func complete(o *options) {
	if o.Application.MetadataType == "" && len(o.Registries) == 0 {
		o.Application.MetadataType = "remote" // "local" opens a second, random port
	}
	if len(o.Protocols) == 0 {
		o.Protocols["triple"] = nil
	}
	for name, protocol := range o.Protocols {
		if protocol == nil { // "triple:" and nothing below it
			protocol = newProtocol()
			o.Protocols[name] = protocol
		}
		if protocol.Name == "" {
			protocol.Name = constant.TriProtocol
		}
		if protocol.Port == "" {
			protocol.Port = defaultPort
		}
	}
	for name, reference := range o.Consumer.References {
		if reference == nil {
			o.Consumer.References[name] = newReference()
		}
	}
}

// check refuses what dubbo-go accepts and then fails on in ways that are hard to understand.
func (c *Config) check() error {
	if c.options.Application.Version != "" {
		return fmt.Errorf("%s: dubbo.application.version must not be set: it becomes part of every service's name,"+
			" so that gRPC clients and the health check no longer find the service", c.path)
	}
	return c.checkRegistries()
}

// FreeAddresses returns each host:port the server will open. dubbo-go only logs
// that one is taken and stays up without serving, so that is an error here.
func (c *Config) FreeAddresses() ([]string, error) {
	var addresses []string
	for _, protocol := range c.options.Protocols {
		address := protocol.Ip + ":" + protocol.Port
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("cannot serve: %w", err)
		}
		_ = listener.Close()
		addresses = append(addresses, address)
	}
	slices.Sort(addresses)
	return addresses, nil
}
