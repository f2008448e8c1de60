package pool

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"sync"
	"time"
)

// Pool serves connections to one database through a *sql.DB. It is safe for
// concurrent use. Open makes one, Shutdown ends it.
type Pool struct {
	engine     *engine
	db         *sql.DB
	opened     time.Time
	closeInner func() error
}

// Open validates cfg and returns a Pool that is warming up in the background.
//
// It does not fail because the database is down: a service should be able to
// start before its database and recover with it. Whoever wants to know calls
// [Pool.Ping] next, which says what is wrong; until the database is there, calls
// fail with ErrDialFailed or ErrAcquireTimeout and the driver's error. An
// invalid cfg or an ended ctx is an error; ctx is not kept.
func Open(ctx context.Context, cfg Config) (*Pool, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.WithDefaults()
	inner := cfg.Connector
	if inner == nil {
		c, err := newMySQLConnector(cfg)
		if err != nil {
			return nil, err
		}
		inner = c
	}
	connector := inner
	if cfg.Wrap != nil {
		connector = cfg.Wrap(inner)
		if connector == nil {
			return nil, errors.New("pool: Wrap returned nil; it must return a driver.Connector")
		}
	}
	p := &Pool{engine: newEngine(cfg, connector), opened: time.Now()}
	p.closeInner = sync.OnceValue(func() error {
		if c, ok := inner.(io.Closer); ok {
			return c.Close()
		}
		return nil
	})
	p.db = sql.OpenDB(&lender{p.engine, connector})
	p.db.SetMaxIdleConns(idleHandles)
	return p, nil
}

// DB returns the *sql.DB on top of the pool, always the same one. What it counts
// as its connections are handles, which hold one of the pool's for as long as a
// call lasts; ask [Pool.Stats] instead of [sql.DB.Stats]. Do not call its
// SetMaxOpenConns: its callers would queue there, out of the pool's sight.
// Closing it begins Shutdown without waiting.
//
// If the pool refuses a connection, the call on the *sql.DB returns the
// [AcquireError], but for [sql.DB.Conn]: there the first call on the *sql.Conn
// returns it, and so does each further one.
func (p *Pool) DB() *sql.DB { return p.db }

// idleHandles is how many handles database/sql keeps: those of the callers that
// come at once. Each takes some 400 bytes; further ones are made anew, which
// costs half a microsecond.
const idleHandles = 1024

// Ping asks the database whether it answers, over the health lane: one
// connection beside the pool's own, outside MaxConns + MaxOverflow. So it
// succeeds while every connection is busy, and an error means that the database
// itself cannot be reached. It is bounded by ctx and by ConnectTimeout +
// PingTimeout.
func (p *Pool) Ping(ctx context.Context) error {
	cfg := &p.engine.cfg
	ctx, cancel := context.WithTimeout(ctx, cfg.ConnectTimeout+cfg.PingTimeout)
	defer cancel()
	return p.engine.lane.do(ctx, func(c *conn) error { return c.ping(ctx, cfg.PingTimeout) })
}

// Stats returns a snapshot. It is cheap enough to be called every second.
func (p *Pool) Stats() Stats { return p.engine.stats() }

// Holders returns the connections that are lent now, those held longest first.
func (p *Pool) Holders() []Holder {
	holders, _, _ := p.engine.holders(time.Now())
	slices.SortFunc(holders, func(a, b Holder) int { return cmp.Compare(b.Held, a.Held) })
	return holders
}

// Reset retires every connection: idle ones now, the others as they come back.
// Use it after a planned failover or a change of grants.
func (p *Pool) Reset() {
	p.engine.mu.Lock()
	defer p.engine.mu.Unlock()
	if !p.engine.closed {
		p.engine.bumpLocked(time.Now())
	}
}

// Shutdown stops new work (ErrClosed), waits until every connection has come
// back and is closed, and returns nil. If ctx ends first it returns a
// *ShutdownError that names who still holds one; those connections are closed
// when they come back. It may be called again.
func (p *Pool) Shutdown(ctx context.Context) error {
	e := p.engine
	e.close()
	var err error
	select {
	case <-e.drained:
	case <-ctx.Done():
		holders, opening, closing := e.holders(time.Now())
		err = &ShutdownError{Err: ctx.Err(), Holders: holders, Opening: opening, Closing: closing}
	}
	<-e.kept
	bound, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	e.lane.close(bound)
	if dbErr := p.db.Close(); err == nil {
		err = dbErr
	}
	if err == nil {
		err = p.closeInner()
	}
	return err
}

// lender is the engine as database/sql sees it.
type lender struct {
	e     *engine
	inner driver.Connector
}

// Connect makes a handle that has its first connection.
func (l *lender) Connect(ctx context.Context) (driver.Conn, error) {
	h := &handle{e: l.e}
	if err := h.lend(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

func (l *lender) Driver() driver.Driver { return l.inner.Driver() }

// Close is called by sql.DB.Close.
func (l *lender) Close() error {
	l.e.close()
	return nil
}
