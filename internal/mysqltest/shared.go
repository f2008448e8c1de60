package mysqltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// errNoServer means that a source has nothing to offer on this machine. Any other error of a source
// means that something is there and does not work.
var errNoServer = errors.New("no server")

// source makes a server's machine, or says why it cannot.
type source func(ctx context.Context, o Options) (machine, error)

// startFirst starts a server from the first source that has one that starts. The error is an
// errNoServer if no source had any.
func startFirst(ctx context.Context, o Options, sources ...source) (*Server, error) {
	var failed []error
	broken := false
	for _, from := range sources {
		m, err := from(ctx, o)
		if err == nil {
			var s *Server
			if s, err = launch(ctx, m); err == nil {
				return s, nil
			}
		}
		broken = broken || !errors.Is(err, errNoServer)
		failed = append(failed, err)
	}
	if broken {
		return nil, errors.New(joined(failed))
	}
	return nil, fmt.Errorf("%w: %s", errNoServer, joined(failed))
}

func joined(errs []error) string {
	var texts []string
	for _, err := range errs {
		texts = append(texts, strings.TrimPrefix(err.Error(), errNoServer.Error()+": "))
	}
	return strings.Join(texts, "; ")
}

// shared holds the servers that serve all tests of this process.
var shared pool

type pool struct {
	mu     sync.Mutex
	slots  map[Flavor]*slot
	named  func() (map[Flavor]*Server, error) // TEST_DATABASE_URL's, once
	opened []*Server
}

// slot is the one attempt to get a server of a flavour.
type slot struct {
	once   sync.Once
	server *Server
	err    error
}

// server returns the process's server of flavour f and starts it on the first call.
func (p *pool) server(f Flavor) (*Server, error) {
	p.mu.Lock()
	if p.slots == nil {
		p.slots = map[Flavor]*slot{}
		p.named = sync.OnceValues(p.connectNamed)
	}
	if p.slots[f] == nil {
		p.slots[f] = &slot{}
	}
	s, named := p.slots[f], p.named
	p.mu.Unlock()
	s.once.Do(func() {
		if os.Getenv("TEST_DATABASE_URL") == "" {
			s.server, s.err = p.start(f)
			return
		}
		servers, err := named()
		if err == nil && servers[f] == nil {
			err = fmt.Errorf("%w: TEST_DATABASE_URL names none of this flavour", errNoServer)
		}
		s.server, s.err = servers[f], err
	})
	return s.server, s.err
}

// start starts a server of flavour f for all tests.
func (p *pool) start(f Flavor) (*Server, error) {
	sources := []source{dockerSource, localSource}
	if os.Getenv("MYSQLTEST_SERVER") != "" {
		slices.Reverse(sources)
	}
	// Not a test's context: the server must not end with the test that asked for it first.
	s, err := startFirst(context.Background(), Options{Flavor: f}, sources...)
	if err == nil {
		p.opens(s)
	}
	return s, err
}

func (p *pool) opens(s *Server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opened = append(p.opened, s)
}

// connectNamed connects to the servers that TEST_DATABASE_URL names; of two with the same flavour
// the first counts.
func (p *pool) connectNamed() (map[Flavor]*Server, error) {
	configs, err := parseURLs(os.Getenv("TEST_DATABASE_URL"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	servers := map[Flavor]*Server{}
	for i, config := range configs {
		s := &Server{config: config}
		if err := s.connect(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("TEST_DATABASE_URL, server %d: %w", i+1, err), s.remove())
		}
		p.opens(s)
		if servers[s.flavor] == nil {
			servers[s.flavor] = s
		}
		if err := dropStale(ctx, s.admin); err != nil {
			return nil, fmt.Errorf("TEST_DATABASE_URL, server %d: drop the databases of dead runs: %w", i+1, err)
		}
	}
	return servers, nil
}

// close removes the servers. The next call of server would start new ones.
func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, s := range p.opened {
		errs = append(errs, s.remove())
	}
	p.slots, p.named, p.opened = nil, nil, nil
	return errors.Join(errs...)
}

// loud remembers what was announced, so that each missing flavour is announced once.
var loud sync.Map

// missing ends the test that needs flavour f: a server that is there and does not work fails it,
// none at all skips it unless REQUIRE_MYSQL is set.
func missing(t testing.TB, f Flavor, why error) {
	t.Helper()
	if !errors.Is(why, errNoServer) {
		t.Fatalf("mysqltest: %s: %v", f, why)
	}
	must, err := required(f)
	if err != nil {
		t.Fatalf("mysqltest: %v", err)
	}
	if must {
		t.Fatalf("mysqltest: REQUIRE_MYSQL is set and there is no %s: %v", f, why)
	}
	if _, done := loud.LoadOrStore(f, true); !done {
		fmt.Fprintf(os.Stderr, "\n***** MYSQLTEST: NO %s, ITS TESTS ARE SKIPPED: %v. "+
			"\"make test\" provides one. *****\n\n", strings.ToUpper(string(f)), why)
	}
	t.Skipf("mysqltest: no %s: %v", f, why)
}

// Main wraps m so that the servers of this package are stopped when the tests are done. It fits
// goleak.VerifyTestMain, which then finds nothing of theirs; without goleak call
// os.Exit(mysqltest.Main(m).Run()).
func Main(m *testing.M) *M { return &M{m} }

// M is a [testing.M] whose Run stops the servers at the end.
type M struct{ m *testing.M }

// Run runs the tests, stops the servers and returns the code to exit with.
func (m *M) Run() int {
	code := m.m.Run()
	if err := shared.close(); err != nil {
		fmt.Fprintf(os.Stderr, "mysqltest: stop the servers: %v\n", err)
		return max(code, 1)
	}
	return code
}

// Provide gets a server of every flavour for other processes and returns the TEST_DATABASE_URL that
// names them. It says on log what it uses. Servers that it started are removed by stop, or when
// this process ends in any other way.
func Provide(log io.Writer) (databaseURL string, stop func() error, err error) {
	var urls []string
	for _, f := range Flavors() {
		s, err := shared.server(f)
		if os.Getenv("TEST_DATABASE_URL") != "" && errors.Is(err, errNoServer) {
			s, err = shared.start(f)
		}
		if err != nil {
			return "", nil, errors.Join(fmt.Errorf("%s: %w", f, err), shared.close())
		}
		fmt.Fprintf(log, "%-8s %s at %s\n", f, s.version, s.Addr())
		urls = append(urls, s.config.FormatDSN())
	}
	return strings.Join(urls, " "), shared.close, nil
}
