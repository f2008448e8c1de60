package client

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client calls a catalogue over HTTP as if it were a [product.Service]: its methods have the same
// names, the same types and the same errors. It is safe for concurrent use, starts no goroutines
// and needs no closing.
type Client struct {
	base string
	opts Options
}

// Options tunes a [Client]. The zero value, and nil, mean the defaults.
type Options struct {
	// HTTP sends the requests. Its Timeout must be zero, for it would end imports, exports and
	// waiting. Default: [http.DefaultClient].
	HTTP *http.Client

	// Header is sent with every request, such as Authorization. It must not be changed any more.
	Header http.Header

	// Tries is how often a request is sent at most, if the server could not be reached or said
	// that it may be sent again. Default 4, which with the waits between them outlasts the restart
	// of an instance behind a load balancer. Negative: once.
	Tries int

	// MaxDelay bounds the wait before a further try, whatever Retry-After says. The waits grow
	// from 100 ms, less a random half. Default 5 s.
	MaxDelay time.Duration

	// Timeout bounds each try, reading its answer included. Imports, exports and waiting for
	// changes have none. Default 30 s, twice the time that a server takes for an operation by
	// default. Negative: none.
	Timeout time.Duration
}

// New returns a Client of the catalogue at a URL, such as https://shop.example/catalogue/v1: what
// stands before /products.
func New(baseURL string, opts *Options) (*Client, error) {
	u, err := url.Parse(baseURL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("client: the base URL cannot be read: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("client: the base URL %q has no scheme or no host; write it like https://shop.example/v1", baseURL)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("client: the base URL %q has a query or a fragment; leave it out", baseURL)
	}
	c := &Client{base: strings.TrimSuffix(u.String(), "/")}
	if opts != nil {
		c.opts = *opts
	}
	def(&c.opts.HTTP, http.DefaultClient)
	def(&c.opts.Tries, 4)
	def(&c.opts.MaxDelay, 5*time.Second)
	def(&c.opts.Timeout, 30*time.Second)
	if c.opts.HTTP.Timeout != 0 {
		return nil, fmt.Errorf("client: HTTP.Timeout is %v, which would end imports, exports and waiting; leave it zero and set Options.Timeout", c.opts.HTTP.Timeout)
	}
	return c, nil
}

func def[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}
