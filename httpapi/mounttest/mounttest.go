// Package mounttest proves that an API of package httpapi works where a host has mounted it: behind
// the host's router, its middleware and its paths. It sends real requests through a real server. Of
// whatever does not come through it says what in the host is the cause, and what to do about it.
//
//	func TestCatalogueIsMounted(t *testing.T) {
//		mounttest.Run(t, api, "/shop/v1", newRouter, nil)
//	}
package mounttest

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options tunes [Run]. The zero value, and nil, mean the defaults.
type Options struct {
	// Prepare is called with every request before it is sent, such as to sign in.
	Prepare func(*http.Request)

	// Patience is how long Run waits for what should come at once. Default 30 s, which only what is
	// broken takes.
	Patience time.Duration
}

// Run mounts api, a Handler of package httpapi with a catalogue for tests, and fails the test for
// everything that does not work as the contract says below path, which is where clients find the
// API and may hold any values of wildcards: "/shop/acme/v1". The products that it makes are deleted
// again.
//
// The host's mount gets a handler that watches what reaches api, and returns what the host serves:
// its whole router, with its middleware.
func Run(t testing.TB, api http.Handler, path string, mount func(api http.Handler) http.Handler, opts *Options) {
	t.Helper()
	s := &suite{path: strings.TrimSuffix(path, "/"), arrivals: make(map[string]*arrival), name: "mounttest-" + strings.ToLower(rand.Text())}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.Patience == 0 {
		s.opts.Patience = 30 * time.Second
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.ctx = ctx
	server := httptest.NewServer(mount(s.watch(api)))
	defer server.Close()
	defer cancel() // before Close, which waits for all requests
	s.url = server.URL + s.path
	s.client = server.Client()
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	if s.arrives() { // or else nothing works, and once is enough to say so
		s.products()
		s.skus()
		s.methods()
		s.unclean()
		s.contract()
		s.stream()
		s.imports()
	}
	for _, f := range s.faults {
		t.Errorf("mounttest: %s\n\t%s", strings.Join(f.what, "\n\t"), f.why)
	}
}

// suite is one run.
type suite struct {
	opts   Options
	ctx    context.Context
	client *http.Client
	url    string // with the path
	path   string
	name   string // of this run; what it makes is called so
	faults []fault
	first  *arrival // the others have a ResponseWriter like its

	mu       sync.Mutex
	arrivals map[string]*arrival // by the number of the request
}

// fault is what went wrong by one cause.
type fault struct {
	what []string
	why  string
}

func (s *suite) fault(what, why string) {
	for i := range s.faults {
		if s.faults[i].why == why {
			s.faults[i].what = append(s.faults[i].what, what)
			return
		}
	}
	s.faults = append(s.faults, fault{[]string{what}, why})
}
