// Package config reads conf/dubbogo.yaml, where any setting of dubbo-go has
// effect, and lets the environment change it.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/knadh/koanf"
)

// Config is what the file and the environment say.
type Config struct {
	path        string
	options     *options
	attachments map[string]map[string]string // by reference
}

// lookup is os.LookupEnv, or a map in tests.
type lookup func(name string) (value string, found bool)

// Load reads the file that DUBBO_GO_CONFIG_PATH names, else conf/dubbogo.yaml.
func Load() (*Config, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	return load(path, os.LookupEnv)
}

// Attachments are sent with every call of a reference; each one is an HTTP header.
func (c *Config) Attachments(reference string) map[string]string {
	return c.attachments[reference]
}

func find() (string, error) {
	if path := os.Getenv("DUBBO_GO_CONFIG_PATH"); path != "" {
		return path, nil
	}
	for _, path := range []string{"conf/dubbogo.yaml", "../conf/dubbogo.yaml"} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
	}
	return "", errors.New("there is no conf/dubbogo.yaml here; name the file in DUBBO_GO_CONFIG_PATH")
}

func load(path string, env lookup) (*Config, error) {
	tree, err := read(path, env)
	if err != nil {
		return nil, err
	}
	if profile := tree.String("dubbo.profiles.active"); profile != "" {
		suffix := filepath.Ext(path)
		over, err := read(strings.TrimSuffix(path, suffix)+"-"+profile+suffix, env)
		if err != nil {
			return nil, err
		}
		if err := tree.Merge(over); err != nil {
			return nil, err
		}
	}
	c := &Config{path: path, options: defaults()}
	if err := c.decode(tree); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := c.override(env); err != nil {
		return nil, err
	}
	return c, c.check()
}

// read parses one file.
func read(path string, env lookup) (tree *koanf.Koanf, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	text, err := expand(string(raw), env)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("%s is empty", path)
	}
	defer func() { // dubbo-go panics on a file it cannot parse
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%s: %v", path, problem)
		}
	}()
	return resolve(text, strings.TrimPrefix(filepath.Ext(path), ".")), nil
}
