package pool

import (
	"context"
	"sync"
	"time"
)

const (
	// closeGrace is how long closing a connection may keep its place.
	closeGrace = time.Second
	// endTimeout bounds ending a session on the server while that keeps a place.
	endTimeout = time.Second
)

// retireLocked takes c out of use and closes it in the background; its place is
// free when that is done. The caller has taken it off the idle stack.
func (e *engine) retireLocked(c *conn, cause CloseCause, inFlight bool) {
	last := len(e.conns) - 1
	e.conns[c.index] = e.conns[last]
	e.conns[c.index].index = c.index
	e.conns[last] = nil
	e.conns = e.conns[:last]
	e.counts.closes[cause]++
	if cause == CloseBroken {
		e.suspect = true
	}
	e.closing++
	go e.finish(c, inFlight)
}

// finish closes c. A cancelled statement goes on running on the server, for the
// driver cancels by closing its socket, so before c's place is given away its
// session is ended there.
func (e *engine) finish(c *conn, inFlight bool) {
	var once sync.Once
	free := func() { once.Do(e.freePlace) }
	if !inFlight || c.session == nil {
		late := time.AfterFunc(closeGrace, free)
		defer late.Stop()
		c.ci.Close()
		free()
		return
	}
	c.ci.Close()
	gone, err := e.endSession(c.session)
	again := false
	e.mu.Lock()
	if gone {
		e.counts.ended++
	} else {
		e.counts.abandoned++
		again = e.lingerLocked(c.session)
	}
	e.mu.Unlock()
	free()
	if !gone {
		e.log.Warn("pool: cannot end a cancelled session; its statement may go on running", "session", c.session.String(), "error", err, "trying_again", again)
	}
}

func (e *engine) freePlace() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closing--
	e.growLocked(time.Now())
	e.settleLocked()
}

// endSession ends s over the health lane and waits until the server has let go.
func (e *engine) endSession(s Session) (gone bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for d := 2 * time.Millisecond; ; d = min(2*d, 50*time.Millisecond) {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-pause.C:
		}
		if e.serves(s) {
			return true, nil
		}
		err = e.lane.do(ctx, func(c *conn) (err error) {
			gone, err = s.End(ctx, c.ci)
			return err
		})
		if err != nil || gone {
			return gone, err
		}
		pause.Reset(d)
	}
}

// serves tells whether a living connection has the name of s. Then the server
// was started anew and counts from the beginning: to end s would hit that one.
func (e *engine) serves(s Session) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	name := s.String()
	for _, c := range e.conns {
		if c.session != nil && c.session.String() == name {
			return true
		}
	}
	return false
}
