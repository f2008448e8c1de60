package main

import (
	"context"
	"io"
	"net"
	"strconv"

	"github.com/productkit-go/productkit/health"
)

// healthcheck asks the server that runs with these variables whether it is ready, for containers
// without a shell, and returns the exit code.
func healthcheck(ctx context.Context, c config, errOut io.Writer) int {
	host, scheme := c.Host, "http"
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	if c.TLSCertFile != "" {
		scheme = "https"
	}
	url := scheme + "://" + net.JoinHostPort(host, strconv.Itoa(int(c.Port))) + "/readyz"
	if err := health.Ask(ctx, url); err != nil {
		return fail(errOut, exitWrong, err)
	}
	return exitWell
}
