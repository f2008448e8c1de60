// Package pooltest holds a database server that lives in memory and fails on
// demand, and a check that a pool has given everything back: for the tests of
// package pool and of its users.
//
// The server keeps no data. What it does keep is what pools are about: how many
// sessions there are, which of them run a statement, and that a statement whose
// client has gone away runs on until it ends or somebody kills it.
package pooltest

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Server is the fake server. The zero value is ready and without faults; its
// methods may be called at any time from any goroutine. Time is package time's,
// so it works inside testing/synctest.
type Server struct {
	mu       sync.Mutex
	sessions map[uint64]*session
	lastID   uint64
	peak     int
	dials    int
	running  int
	ran      int
	pings    int
	resets   int
	prepared int
	prepares int

	connectDelay  time.Duration
	stalled       chan struct{} // closed when the stall ends; nil without one
	deaf          bool
	refuse        error
	maxSessions   int
	maxStatements int
	readOnly      bool
	pingErr       error
	pingDelay     time.Duration
	noSessions    bool
	statementTime time.Duration
	onStatement   func(query string) (time.Duration, error)
}

// session is a connection as the server sees it.
type session struct {
	id     uint64
	server *Server
	broken chan struct{} // closed by Kill: the socket is dead
	gone   chan struct{} // closed when the server has let go
	busy   bool
	stmts  int
	closed bool // the client has closed its end
}

// SetConnectDelay makes every connect take d.
func (s *Server) SetConnectDelay(d time.Duration) { s.set(func() { s.connectDelay = d }) }

// deafness is how long after a stall a deaf connect goes on waiting.
const deafness = 30 * time.Second

// SetStalled makes the server accept connections and say nothing, until it is
// switched off. Connections that were accepted meanwhile are never greeted: they
// end with their context, or with deaf, as under a bad driver, not even then but
// half a minute after the stall.
func (s *Server) SetStalled(on, deaf bool) {
	s.set(func() {
		if s.deaf = deaf; on && s.stalled == nil {
			s.stalled = make(chan struct{})
		} else if !on && s.stalled != nil {
			close(s.stalled)
			s.stalled = nil
		}
	})
}

// SetRefuse makes every connect fail with err; nil ends it.
func (s *Server) SetRefuse(err error) { s.set(func() { s.refuse = err }) }

// SetMaxSessions makes further connects fail with MySQL's error 1040 ("Too many
// connections"); 0 means no limit.
func (s *Server) SetMaxSessions(n int) { s.set(func() { s.maxSessions = n }) }

// SetMaxStatements makes PREPARE fail with MySQL's error 1461 when so many
// statements are prepared; 0 means no limit.
func (s *Server) SetMaxStatements(n int) { s.set(func() { s.maxStatements = n }) }

// SetReadOnly makes every Exec fail with MySQL's error 1290, as after a failover.
func (s *Server) SetReadOnly(on bool) { s.set(func() { s.readOnly = on }) }

// SetPing makes a ping take d and fail with err.
func (s *Server) SetPing(d time.Duration, err error) {
	s.set(func() { s.pingDelay, s.pingErr = d, err })
}

// SetNoSessions hides session identities from the pool, as a proxy would.
func (s *Server) SetNoSessions(on bool) { s.set(func() { s.noSessions = on }) }

// SetStatementTime makes every statement take d. COMMIT and ROLLBACK do not, for
// database/sql waits for those under a mutex, where testing/synctest's clock stops.
func (s *Server) SetStatementTime(d time.Duration) { s.set(func() { s.statementTime = d }) }

// OnStatement decides how long a statement takes and how it ends. It must be
// safe for concurrent use.
func (s *Server) OnStatement(fn func(query string) (time.Duration, error)) {
	s.set(func() { s.onStatement = fn })
}

func (s *Server) set(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn()
}

// Kill breaks all sessions, as a restart would: idle ones are found dead when
// they are next used. It returns how many there were.
func (s *Server) Kill() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.sessions)
	for _, x := range s.sessions {
		s.killLocked(x)
	}
	return n
}

// KillIdle breaks the sessions that run nothing.
func (s *Server) KillIdle() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, x := range s.sessions {
		if !x.busy {
			s.killLocked(x)
			n++
		}
	}
	return n
}

func (s *Server) killLocked(x *session) {
	select {
	case <-x.broken:
	default:
		close(x.broken)
	}
	s.dropLocked(x)
}

func (s *Server) dropLocked(x *session) {
	if _, ok := s.sessions[x.id]; ok {
		delete(s.sessions, x.id)
		s.prepared -= x.stmts
		x.stmts = 0
		close(x.gone)
	}
}

// Counts is what a Server has counted.
type Counts struct {
	Sessions   int // there now
	Peak       int // most at one time
	Dials      int // connects that reached the server
	Running    int // statements running now, abandoned ones included
	Statements int // ended
	Pings      int
	Resets     int
	Prepared   int // statements that sessions hold now
	Prepares   int // statements ever prepared
}

// Counts returns a snapshot.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Counts{Sessions: len(s.sessions), Peak: s.peak, Dials: s.dials, Running: s.running, Statements: s.ran, Pings: s.pings, Resets: s.resets, Prepared: s.prepared, Prepares: s.prepares}
}

// ResetPeak sets Peak to the sessions that there are now.
func (s *Server) ResetPeak() { s.set(func() { s.peak = len(s.sessions) }) }

// connect is the server's side of a connect.
func (s *Server) connect(ctx context.Context) (*session, error) {
	s.mu.Lock()
	s.dials++
	delay, stalled, deaf := s.connectDelay, s.stalled, s.deaf
	s.mu.Unlock()
	if stalled != nil {
		if !deaf {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		<-stalled
		time.Sleep(deafness)
		return nil, errors.New("pooltest: connection reset")
	}
	if err := sleep(ctx, delay); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return nil, s.refuse
	}
	if s.maxSessions > 0 && len(s.sessions) >= s.maxSessions {
		return nil, &mysql.MySQLError{Number: 1040, Message: "Too many connections"}
	}
	s.lastID++
	x := &session{id: s.lastID, server: s, broken: make(chan struct{}), gone: make(chan struct{})}
	if s.sessions == nil {
		s.sessions = map[uint64]*session{}
	}
	s.sessions[x.id] = x
	s.peak = max(s.peak, len(s.sessions))
	return x, nil
}

// run is the server's side of a statement. The client waits for it, or goes away
// with its context; the statement then runs on.
func (x *session) run(ctx context.Context, query string, write bool) error {
	s := x.server
	s.mu.Lock()
	select {
	case <-x.broken:
		s.mu.Unlock()
		return driver.ErrBadConn
	default:
	}
	if x.closed {
		s.mu.Unlock()
		return driver.ErrBadConn
	}
	d, fn, readOnly := s.statementTime, s.onStatement, s.readOnly
	var err error
	s.mu.Unlock()
	if query == "COMMIT" || query == "ROLLBACK" {
		d = 0
	}
	if fn != nil {
		d, err = fn(query)
	}
	if write && readOnly {
		err = cmp.Or[error](err, &mysql.MySQLError{Number: 1290, Message: "The MySQL server is running with the --read-only option"})
	}
	if d <= 0 {
		s.mu.Lock()
		s.ran++
		s.mu.Unlock()
		return err
	}
	s.mu.Lock()
	s.running++
	x.busy = true
	s.mu.Unlock()
	ended := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running--
		s.ran++
		x.busy = false
		if x.closed {
			s.dropLocked(x)
		}
	}
	timer := time.NewTimer(d)
	select {
	case <-timer.C:
		ended()
		return err
	case <-x.broken:
		timer.Stop()
		ended()
		return mysql.ErrInvalidConn
	case <-ctx.Done():
		x.hangUp()
		go func() {
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-x.gone:
			}
			ended()
		}()
		return ctx.Err()
	}
}

// prepare holds one more statement.
func (x *session) prepare() error {
	s := x.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.sessions[x.id]; !there {
		return driver.ErrBadConn
	}
	if s.maxStatements > 0 && s.prepared >= s.maxStatements {
		return &mysql.MySQLError{Number: 1461, Message: "Can't create more than max_prepared_stmt_count statements"}
	}
	x.stmts++
	s.prepared++
	s.prepares++
	return nil
}

func (x *session) unprepare() {
	x.server.mu.Lock()
	defer x.server.mu.Unlock()
	if x.stmts > 0 {
		x.stmts--
		x.server.prepared--
	}
}

// hangUp is the client closing its socket. The server notices at once if it runs
// nothing, and else when the statement ends.
func (x *session) hangUp() {
	x.server.mu.Lock()
	defer x.server.mu.Unlock()
	x.closed = true
	if !x.busy {
		x.server.dropLocked(x)
	}
}

func (x *session) valid() bool {
	x.server.mu.Lock()
	defer x.server.mu.Unlock()
	return !x.closed
}

func (x *session) alive() bool {
	select {
	case <-x.broken:
		return false
	default:
		return x.valid()
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
