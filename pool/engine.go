package pool

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// engine hands out connections. Its invariants, true whenever mu is free:
//
//   - len(conns) + dialing + closing ≤ limit: a connection counts from before
//     its dial until the driver has closed it or, if a call was in flight, until
//     the server has let go of it.
//   - A conn is busy or in idle, never both; it is in conns exactly once.
//   - idle holds at most MaxConns connections, the longest idle first.
//   - While a waiter with a living context is queued, idle is empty.
//   - A waiter is answered exactly once, or takes itself out of the queue.
//   - A connection of an older generation is never handed out.
//
// Nothing under mu blocks: no I/O, no logging, no caller's code but
// context.Context.Err.
type engine struct {
	cfg       Config        // with defaults
	rest      time.Duration // see restedLocked
	min       int           // MinConns, 0 for none
	limit     int           // MaxConns + MaxOverflow
	connector driver.Connector
	log       *slog.Logger
	lane      *lane
	epoch     time.Time

	ctx    context.Context // ends when the engine closes: dials stop
	cancel context.CancelFunc
	wake   chan struct{} // tells the keeper to look again; capacity 1
	kept   chan struct{} // closed when the keeper has ended

	// since epoch; until then nothing is prepared
	preparePause atomic.Int64

	mu         sync.Mutex
	conns      []*conn
	idle       []*conn
	waiters    waitQueue
	congestion congestion
	stacks     stacks
	dialing    int
	attempts   map[*attempt]bool // the dials under way
	closing    int
	lingering  []lingerer
	pace       pace
	generation uint64
	bumped     time.Time
	suspect    bool // a connection broke: ping idle ones until one answers
	jitter     float64
	keeperNext time.Time
	closed     bool
	drained    chan struct{} // closed when closed and nothing is left
	counts     counts
}

func newEngine(cfg Config, connector driver.Connector) *engine {
	e := &engine{
		cfg:        cfg,
		min:        max(cfg.MinConns, 0),
		rest:       shortestRest(cfg),
		limit:      cfg.MaxConns + max(cfg.MaxOverflow, 0),
		connector:  connector,
		log:        cfg.Logger,
		epoch:      time.Now(),
		attempts:   make(map[*attempt]bool),
		wake:       make(chan struct{}, 1),
		kept:       make(chan struct{}),
		drained:    make(chan struct{}),
		jitter:     rand.Float64(),
		pace:       newPace(cfg.ConnectTimeout),
		congestion: congestion{target: cfg.QueueTarget},
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.lane = newLane(e)
	go e.keep()
	return e
}

// now is time.Now from the monotonic clock alone: every operation asks twice,
// and to read the wall clock as well takes twice as long.
func (e *engine) now() time.Time { return e.epoch.Add(time.Since(e.epoch)) }

// acquire returns a connection that has been checked, or an error that tells
// why not; never driver.ErrBadConn.
func (e *engine) acquire(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	start := e.now()
	c, w, err := e.take(ctx, start, nil)
	for {
		if w != nil {
			c, err = e.wait(ctx, w)
			tellWait(ctx, start)
		}
		if err != nil {
			return nil, err
		}
		if err = e.check(ctx, c); err == nil {
			return c, nil
		}
		if ctxErr := ctx.Err(); ctxErr != nil {
			e.mu.Lock()
			err = e.refuseLocked(refusedCanceled, ctxErr, time.Since(start))
			e.mu.Unlock()
			return nil, err
		}
		if w == nil {
			w = &waiter{ctx: ctx, since: start, ready: make(chan grant, 1)}
		}
		c, w, err = e.take(ctx, time.Now(), w)
	}
}

// take returns an idle connection, or a queued waiter, or a refusal. A waiter
// that comes again, since what it was given was broken, gets its turn back.
func (e *engine) take(ctx context.Context, now time.Time, again *waiter) (*conn, *waiter, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, nil, e.refuseLocked(refusedClosed, ErrClosed, 0)
	}
	for n := len(e.idle); n > 0; n = len(e.idle) {
		c := e.idle[n-1]
		e.idle[n-1] = nil
		e.idle = e.idle[:n-1]
		if cause, retire := e.worn(c, now); retire {
			e.retireLocked(c, cause, false)
			continue
		}
		// Less one: a nanosecond means always, however coarse the clock is.
		c.proven = false
		c.needPing = e.suspect ||
			e.cfg.PingAfterIdle > 0 && now.Sub(c.since) >= e.cfg.PingAfterIdle-1
		e.lendLocked(c, now)
		if again != nil {
			e.counts.waited(now.Sub(again.since))
		} else {
			e.counts.waited(0)
		}
		return c, nil, nil
	}
	if again != nil {
		e.waiters.pushFront(again)
	} else {
		if e.cfg.MaxWaiters > 0 && e.waiters.n >= e.cfg.MaxWaiters {
			return nil, nil, e.refuseLocked(refusedQueueFull, ErrQueueFull, 0)
		}
		again = &waiter{ctx: ctx, since: now, ready: make(chan grant, 1)}
		e.waiters.pushBack(again)
		e.counts.queued++
	}
	e.growLocked(now)
	e.callKeeperLocked(e.overdueAtLocked())
	return nil, again, nil
}

// wait returns what w is granted, or gives up with its context. The keeper ends
// waits that take too long: timers of the waiters' own would cost each of them
// as much as the rest of its wait.
func (e *engine) wait(ctx context.Context, w *waiter) (*conn, error) {
	select {
	case g := <-w.ready:
		return e.accept(ctx, w, g)
	case <-ctx.Done():
		return e.leave(ctx, w)
	}
}

// leave takes w out of the queue; if a grant was faster it counts.
func (e *engine) leave(ctx context.Context, w *waiter) (*conn, error) {
	e.mu.Lock()
	if w.queued {
		e.waiters.remove(w)
		e.congestion.gaveUp = true
		defer e.mu.Unlock()
		return nil, e.refuseLocked(refusedCanceled, ctx.Err(), time.Since(w.since))
	}
	e.mu.Unlock()
	return e.accept(ctx, w, <-w.ready)
}

func (e *engine) accept(ctx context.Context, w *waiter, g grant) (*conn, error) {
	if g.err == nil && ctx.Err() == nil {
		return g.c, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	if g.c != nil {
		// The context ended between grant and here: somebody else can use it.
		e.placeLocked(g.c, now)
		e.growLocked(now)
		g.err = ctx.Err()
	}
	return nil, e.refuseLocked(refusalOf(g.err), g.err, now.Sub(w.since))
}

// check makes sure that c works, as far as that can be told before using it. On
// an error c is gone.
func (e *engine) check(ctx context.Context, c *conn) error {
	if c.proven && c.looksOnly {
		return nil // the look is a system call, as dear as the rest of the handover
	}
	if err := c.reset(ctx); err != nil {
		e.discard(c, CloseBroken)
		return err
	}
	if !c.needPing {
		return nil
	}
	if err := c.ping(ctx, e.cfg.PingTimeout); err != nil {
		if ctx.Err() == nil {
			e.bump("ping failed", err)
		}
		e.discard(c, ClosePing)
		return err
	}
	e.mu.Lock()
	e.suspect = false
	e.mu.Unlock()
	return nil
}

// discard retires a connection that failed its check; no statement of a caller
// was in flight on it.
func (e *engine) discard(c *conn, cause CloseCause) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.suspect = true
	e.retireLocked(c, cause, false)
	e.growLocked(time.Now())
}

// release takes c back. It does no I/O. With broken, the connection is not used
// again; inFlight says that the server may still be running a statement for it.
func (e *engine) release(c *conn, broken, inFlight bool) {
	now := e.now()
	e.mu.Lock()
	if c.borrower.reported {
		returned := notice{"pool: a connection that was reported as held has come back", now.Sub(c.borrower.quiet), c.holder(now)}
		defer returned.log(e.log)
	}
	defer e.mu.Unlock()
	e.counts.hold.add(now.Sub(c.since))
	e.counts.tookStatements(c)
	switch {
	case broken:
		e.retireLocked(c, CloseBroken, inFlight)
	case e.cfg.MaxUses > 0 && c.uses >= e.cfg.MaxUses:
		e.retireLocked(c, CloseUses, false)
	default:
		e.placeLocked(c, now)
	}
	if e.waiters.n > 0 || len(e.conns) < e.min {
		e.growLocked(now)
	}
}

// provenFor is how long ago a holder who passes its connection straight on may
// have got it, for the connection to count as one that works. Within so short a
// time a socket can just as well break after it was looked at.
const provenFor = 10 * time.Millisecond

// placeLocked finds the next use for a working connection: the first waiter, the
// idle stack, or none.
func (e *engine) placeLocked(c *conn, now time.Time) {
	if cause, retire := e.worn(c, now); retire {
		e.retireLocked(c, cause, false)
		return
	}
	if w := e.nextLocked(now); w != nil {
		c.proven = now.Sub(c.since) <= provenFor
		c.needPing = false // it worked a moment ago
		e.lendLocked(c, now)
		e.counts.waited(now.Sub(w.since))
		w.ready <- grant{c: c}
		return
	}
	if len(e.conns) > e.cfg.MaxConns {
		e.retireLocked(c, CloseOverflow, false)
		return
	}
	c.busy, c.since = false, now
	e.idle = append(e.idle, c)
	e.restedLocked(c, now)
}

func (e *engine) lendLocked(c *conn, now time.Time) {
	c.busy, c.since = true, now
	if e.cfg.HoldWarning <= 0 {
		return
	}
	b := &c.borrower
	b.depth, b.calls, b.quiet, b.reported, b.slow = 0, c.calls.Load(), time.Time{}, false, false
	c.sampled = e.stacks.want(now)
	if e.keeperNext.IsZero() || e.keeperNext.Sub(now) > e.cfg.HoldWarning/10 {
		e.callKeeperLocked(now.Add(e.cfg.HoldWarning / 10))
	}
}

// worn tells whether c has reached one of its limits.
func (e *engine) worn(c *conn, now time.Time) (CloseCause, bool) {
	switch {
	case e.closed:
		return CloseShutdown, true
	case c.generation < e.generation:
		return CloseGeneration, true
	case !c.expires.IsZero() && !now.Before(c.expires):
		return CloseLifetime, true
	}
	return 0, false
}

// bump starts a generation: every connection made before is retired, the idle
// ones now and the others as they come back.
func (e *engine) bump(why string, err error) {
	e.mu.Lock()
	now := time.Now()
	// One event breaks many connections, and each of them reports it.
	again := e.closed || !e.bumped.IsZero() && now.Sub(e.bumped) < bumpInterval
	if !again {
		e.bumped = now
		e.bumpLocked(now)
	}
	e.mu.Unlock()
	if !again {
		e.log.Warn("pool: retiring all connections", "why", why, "error", err)
	}
}

const bumpInterval = time.Second

func (e *engine) bumpLocked(now time.Time) {
	e.generation++
	for _, c := range e.idle {
		e.retireLocked(c, CloseGeneration, false)
	}
	clear(e.idle)
	e.idle = e.idle[:0]
	e.growLocked(now)
}

// distrust has idle connections pinged before use until one answers.
func (e *engine) distrust() {
	e.mu.Lock()
	e.suspect = true
	e.mu.Unlock()
}

// close starts the shutdown: no new work, idle connections go, waiters are told.
// It does not wait.
func (e *engine) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.closed = true
	e.cancel()
	for _, c := range e.idle {
		e.retireLocked(c, CloseShutdown, false)
	}
	clear(e.idle)
	e.idle = nil
	e.failWaitersLocked(ErrClosed)
	e.settleLocked()
}

func (e *engine) failWaitersLocked(err error) {
	for w := e.waiters.popLive(false); w != nil; w = e.waiters.popLive(false) {
		w.ready <- grant{err: err}
	}
}

// settleLocked notices that a closed engine has nothing left.
func (e *engine) settleLocked() {
	if !e.closed || len(e.conns)+e.dialing+e.closing > 0 {
		return
	}
	select {
	case <-e.drained:
	default:
		close(e.drained)
	}
}
