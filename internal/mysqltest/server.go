package mysqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	password     = "productkit"     // root's, on every server that this package starts
	startTimeout = 90 * time.Second // MySQL's first start takes 6 s on two idle cores
	stopTimeout  = 30 * time.Second
	pollInterval = 20 * time.Millisecond
)

// tuning makes servers small and quick: nobody needs the data of a test after a power cut.
var tuning = []string{
	"--max-connections=500",
	"--innodb-buffer-pool-size=128M",
	"--innodb-flush-log-at-trx-commit=2",
	"--skip-log-bin",
	"--skip-name-resolve",
}

// Server is a running MySQL or MariaDB server. Its methods are safe for concurrent use, but the
// ones that change its state make sense only one after the other.
type Server struct {
	flavor  Flavor
	version string
	private bool
	config  *mysql.Config
	machine machine // nil: named by TEST_DATABASE_URL, not ours
	admin   *sql.DB
}

// machine runs the one server process behind a [Server], in a container or not.
type machine interface {
	addr() string
	start() error                   // returns before the server listens; addr stays the same
	ended() error                   // why the process is gone; nil while it runs
	stop(ctx context.Context) error // orderly, as SIGTERM does
	kill() error                    // as kill -9 does
	pause() error
	resume() error
	remove() error // everything, running or not
}

// Options say what server [Start] starts.
type Options struct {
	// Flavor of the server. Default: MySQL.
	Flavor Flavor
	// Args are further arguments for the server's program, such as "--max-connections=10".
	Args []string
}

// Start starts a private server for one test, which may kill it, restart it and set its global
// variables. It is removed when the test ends. The test is skipped where neither a server program
// nor Docker is there, or fails if REQUIRE_MYSQL says so. A server that is there but does not start
// fails the test in any case. A nil o means the defaults.
func Start(t testing.TB, o *Options) *Server {
	t.Helper()
	var options Options
	if o != nil {
		options = *o
	}
	if options.Flavor == "" {
		options.Flavor = MySQL
	}
	s, err := startFirst(t.Context(), options, localSource, dockerSource)
	if err != nil {
		missing(t, options.Flavor, err)
	}
	s.private = true
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Errorf("mysqltest: remove the private %s: %v", options.Flavor, err)
		}
	})
	return s
}

// launch starts m and waits until the server behind it answers.
func launch(ctx context.Context, m machine) (*Server, error) {
	config := mysql.NewConfig()
	config.User, config.Passwd, config.Net, config.Addr = "root", password, "tcp", m.addr()
	s := &Server{config: config, machine: m}
	err := m.start()
	if err == nil {
		err = s.connect(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

// connect opens the administrator's pool and waits until the server answers.
func (s *Server) connect(ctx context.Context) error {
	config := s.config.Clone()
	config.DBName = ""
	config.Logger = &mysql.NopLogger{} // refused connections are expected while it starts
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return err
	}
	s.admin = sql.OpenDB(connector)
	if err := s.waitReady(ctx); err != nil {
		return err
	}
	s.version, err = queryVersion(ctx, s.admin)
	s.flavor = flavorOf(s.version)
	return err
}

// waitReady waits until the server answers, its process ends, or the bound is reached.
func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	var last error
	for {
		err := s.admin.PingContext(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err // the server's own error says more than the end of the bound
		}
		if s.machine == nil {
			return fmt.Errorf("%s does not answer: %w", s.config.Addr, last)
		}
		if ended := s.machine.ended(); ended != nil {
			return ended
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", s.config.Addr, last)
		}
	}
}

// Addr returns the server's address, "host:port". It stays the same over restarts.
func (s *Server) Addr() string { return s.config.Addr }

// Flavor returns the server's flavour.
func (s *Server) Flavor() Flavor { return s.flavor }

// Version returns the server's answer to SELECT VERSION().
func (s *Server) Version() string { return s.version }

// Config returns a copy of the driver's configuration for the administrator, without a database.
func (s *Server) Config() *mysql.Config {
	config := s.config.Clone()
	config.DBName = ""
	return config
}

// Admin returns the administrator's pool of connections, which are on no database. It is closed
// with the server.
func (s *Server) Admin() *sql.DB { return s.admin }

// Kill ends the server as kill -9 does and returns when its process is gone.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.must(t, "kill", s.machine.kill)
}

// Stop shuts the server down in order and returns when its process is gone. It waits 30 s at most.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.must(t, "stop", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), stopTimeout)
		defer cancel()
		return s.machine.stop(ctx)
	})
}

// Start starts the server again after [Server.Kill] or [Server.Stop], on the same address and with
// the same data, and returns when it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.must(t, "start", func() error {
		if err := s.machine.start(); err != nil {
			return err
		}
		return s.waitReady(t.Context())
	})
}

// Pause freezes the server and returns when it no longer answers. Its connections stay open.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	s.must(t, "pause", func() error {
		if err := s.machine.pause(); err != nil {
			return err
		}
		// A signal takes effect a moment after it was sent.
		ctx, cancel := context.WithTimeout(t.Context(), stopTimeout)
		defer cancel()
		wait(ctx, func() bool {
			ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
			return s.admin.PingContext(ctx) != nil
		})
		return ctx.Err()
	})
}

// Resume lets a paused server go on.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.must(t, "resume", s.machine.resume)
}

func (s *Server) must(t testing.TB, what string, do func() error) {
	t.Helper()
	if err := do(); err != nil {
		t.Fatalf("mysqltest: %s the private %s at %s: %v", what, s.flavor, s.Addr(), err)
	}
}

func (s *Server) remove() error {
	if s.admin != nil {
		_ = s.admin.Close()
	}
	if s.machine == nil {
		return nil
	}
	return s.machine.remove()
}
