package pool

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"
	"time"
)

// lane is the health lane: one connection outside the cap, for pings and for
// ending sessions, so that neither waits behind the load that it is about. One
// user at a time.
type lane struct {
	e    *engine
	turn chan struct{} // capacity 1: holding its token is holding the lane

	// Guarded by the turn.
	c       *conn
	closed  bool
	closing sync.WaitGroup

	// Guarded by the engine's mutex.
	warmed bool
}

func newLane(e *engine) *lane { return &lane{e: e, turn: make(chan struct{}, 1)} }

// do calls fn with the lane's connection. A connection that turns out to be dead
// is replaced once.
func (l *lane) do(ctx context.Context, fn func(*conn) error) error {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for again := true; ; again = false {
		fresh, err := l.ready(ctx)
		if err != nil {
			return err
		}
		err = fn(l.c)
		if err == nil || l.c.valid() && !errors.Is(err, driver.ErrBadConn) {
			return err
		}
		l.drop()
		if fresh || !again || ctx.Err() != nil {
			return dialError(err)
		}
	}
}

// ready makes sure that there is a connection; fresh says that it is new.
func (l *lane) ready(ctx context.Context) (fresh bool, err error) {
	if l.closed {
		return false, ErrClosed
	}
	if l.c != nil {
		l.e.mu.Lock()
		stale := l.c.generation < l.e.generation || !l.c.expires.IsZero() && time.Now().After(l.c.expires)
		l.e.mu.Unlock()
		if !stale && l.c.reset(ctx) == nil {
			return false, nil
		}
		l.drop()
	}
	l.e.mu.Lock()
	generation := l.e.generation
	l.e.mu.Unlock()
	c, err := l.e.connect(ctx, l.e.cfg.ConnectTimeout)
	if err != nil {
		if ctxErr := ctx.Err(); ctxErr != nil {
			return false, ctxErr
		}
		return false, dialError(err)
	}
	c.generation = generation
	l.e.mu.Lock()
	c.expires = l.e.drawExpiry(time.Now())
	l.e.mu.Unlock()
	l.c = c
	return true, nil
}

func (l *lane) drop() {
	if c := l.c; c != nil {
		l.c = nil
		l.closing.Go(func() { c.ci.Close() })
	}
}

// warm opens the lane in the background when the pool first reaches its server:
// on the day it is needed the server may have no connection to spare. The
// engine's mutex is held.
func (l *lane) warm() {
	if l.warmed {
		return
	}
	l.warmed = true
	go l.do(l.e.ctx, func(*conn) error { return nil })
}

// close closes the connection, waiting for it and for whoever uses the lane as
// long as ctx allows.
func (l *lane) close(ctx context.Context) {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	l.closed = true
	l.drop()
	done := make(chan struct{})
	go func() {
		l.closing.Wait()
		close(done)
	}()
	<-l.turn
	select {
	case <-done:
	case <-ctx.Done():
	}
}
