package main

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/productkit-go/productkit/examples/internal/database"
)

// config is what the environment says.
type config struct {
	address  string // host:port to listen on
	database database.Config

	startWait time.Duration // for the database
	drainWait time.Duration // between readiness turning red and refusing connections
}

// loadConfig reads the variables. An empty one counts as unset. An error is one line: name,
// fault, remedy; it never holds a password.
func loadConfig(getenv func(string) string) (config, error) {
	c := config{startWait: 30 * time.Second, drainWait: time.Second}
	host, port := or(getenv("HOST"), "127.0.0.1"), or(getenv("PORT"), "8001")
	if !validHost(host) {
		return c, fmt.Errorf("HOST is %q, which is neither an IP address nor a host name; set it like 0.0.0.0, or unset it for 127.0.0.1", host)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return c, fmt.Errorf("PORT is %q, which is no number from 0 to 65535; set it like 8080, or unset it for 8001", port)
	}
	c.address = net.JoinHostPort(host, port)

	var err error
	c.database, err = database.FromURL(getenv("DATABASE_URL"), getenv)
	return c, err
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$`)

func validHost(s string) bool {
	return net.ParseIP(s) != nil || hostName.MatchString(s) && !strings.Contains(s, "..") && strings.Trim(s, "0123456789.") != ""
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
