package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// healthcheckWait bounds the question: containers' own bounds are longer.
const healthcheckWait = 3 * time.Second

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
	ctx, cancel := context.WithTimeout(ctx, healthcheckWait)
	defer cancel()
	url := scheme + "://" + net.JoinHostPort(host, strconv.Itoa(int(c.Port))) + "/readyz"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fail(errOut, exitWrong, err)
	}
	// It asks itself, by an address that no certificate names.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	res, err := client.Do(req)
	if err != nil {
		return fail(errOut, exitWrong, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
		return fail(errOut, exitWrong, fmt.Errorf("%s says %s: %s", url, res.Status, text))
	}
	return exitWell
}
