package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common/constant"
)

// variable is $$, $NAME, ${NAME} or ${NAME:default}. Names with dots are left
// alone: dubbo-go looks those up in the file itself.
var variable = regexp.MustCompile(`\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(:[^}]*)?\})`)

// expand replaces the variables of a file. An unset variable without a default is an error.
func expand(text string, env lookup) (string, error) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		var missing string
		lines[i] = variable.ReplaceAllStringFunc(line, func(found string) string {
			part := variable.FindStringSubmatch(found)
			name := part[1] + part[2]
			switch value, set := env(name); {
			case name == "":
				return "$"
			case set:
				return value
			case part[3] != "":
				return part[3][1:]
			}
			missing = name
			return ""
		})
		if missing != "" {
			return "", fmt.Errorf("line %d: %s is not set; set it or write ${%[2]s:default}", i+1, missing)
		}
	}
	return strings.Join(lines, "\n"), nil
}

// override applies the DUBBO_ variables, which are stronger than the file.
func (c *Config) override(env lookup) error {
	for _, o := range []struct {
		name  string
		apply func(value string) error
	}{
		{"DUBBO_HOST", c.setHost},
		{"DUBBO_PORT", c.setPort},
		{"DUBBO_SERVER_URL", c.setURL},
		{"DUBBO_TIMEOUT", c.setTimeout},
		{"DUBBO_RETRIES", c.setRetries},
		{"DUBBO_ATTACHMENTS", c.setAttachments},
		{"DUBBO_LOG_LEVEL", c.setLogLevel},
	} {
		if value, _ := env(o.name); value != "" {
			if err := o.apply(value); err != nil {
				return fmt.Errorf("%s=%s: %w", o.name, value, err)
			}
		}
	}
	return nil
}

func (c *Config) setHost(host string) error {
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		host = "[" + host + "]" // an IPv6 address: dubbo-go appends the port as it is
	}
	for _, protocol := range c.options.Protocols {
		protocol.Ip = host
	}
	return nil
}

func (c *Config) setPort(port string) error {
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errors.New("a port is a number from 1 to 65535")
	}
	for _, protocol := range c.options.Protocols {
		if protocol.Name == constant.TriProtocol {
			protocol.Port = port
		}
	}
	return nil
}

func (c *Config) setURL(url string) error {
	if !strings.Contains(url, "://") {
		url = "tri://" + url
	}
	for _, reference := range c.options.Consumer.References {
		reference.URL = url
	}
	return nil
}

// SetTimeout gives every call at most the duration, such as 3s.
func (c *Config) SetTimeout(timeout time.Duration) {
	c.options.Consumer.RequestTimeout = timeout.String()
	for _, reference := range c.options.Consumer.References {
		reference.RequestTimeout = timeout.String()
	}
}

func (c *Config) setTimeout(value string) error {
	timeout, err := time.ParseDuration(value)
	if err != nil || timeout <= 0 {
		return errors.New("a timeout is a duration such as 500ms or 3s")
	}
	c.SetTimeout(timeout)
	return nil
}

func (c *Config) setRetries(retries string) error {
	if _, err := strconv.ParseUint(retries, 10, 8); err != nil {
		return errors.New("retries are a number from 0 to 255")
	}
	for _, reference := range c.options.Consumer.References {
		reference.Retries = retries
	}
	return nil
}

func (c *Config) setAttachments(list string) error {
	for pair := range strings.SplitSeq(list, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		key, value, found := strings.Cut(pair, "=")
		if !found || key == "" {
			return errors.New("attachments are pairs such as user=admin,tenant=one")
		}
		for _, attachments := range c.attachments {
			attachments[strings.ToLower(key)] = value
		}
	}
	return nil
}

func (c *Config) setLogLevel(level string) error {
	c.options.Logger.Level = level
	return nil
}
