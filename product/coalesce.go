package product

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// coalescer folds concurrent calls into batches. Few batches, its lanes, are in flight at
// once; while they are, calls queue, and a lane that comes free takes the head of the queue,
// as much as a batch may hold. Nothing waits for a batch to fill: an idle coalescer starts a
// call at once, and the busier it is the fuller its batches get.
//
// With a crowd one lane does the work while few calls wait, for one full batch costs less than two half
// full ones. The others help out while it is stuck, or so many wait that they make a batch of their own.
//
// A call only ever joins a batch that has not started, so whatever was acknowledged before
// the call began is visible to it. A batch runs on a goroutine of its own, detached from its
// callers: one that leaves disturbs nobody.
type coalescer[Q, R any] struct {
	lanes      int
	crowd      int           // so many calls that wait are worth a further lane; 0: all lanes work side by side
	shy        bool          // with a crowd: a further lane begins when run says so, not before
	patience   time.Duration // with a crowd: a batch in flight for longer is stuck, and does not keep others from starting
	gathers    bool          // before a batch begins, whoever is ready to run goes first, and may join it
	maxCalls   int           // in one batch
	maxBytes   int           // in one batch, by size
	maxWaiting int           // in the queue
	size       func(Q) int
	enter      func(Q) (leave func())                 // if not nil, told of each question that is queued; leave, if not nil, when it has been settled or withdrawn
	run        func(batch []*call[Q, R], open func()) // settles every call; open, nil unless shy, may be called at any time, or not at all

	spare sync.Pool // of calls that nobody looks at any more

	mu      sync.Mutex
	queue   []*call[Q, R]
	running []*lane
	armed   bool // a timer is set that looks for lanes that are stuck
	closed  bool
	idle    chan struct{} // closed when closed and no lane runs
	calls   uint64
	batches uint64
	refused uint64
	units   uint64
}

// call is one caller's question on its way to an answer.
type call[Q, R any] struct {
	question Q
	answer   R
	err      error
	done     chan struct{} // gets one value when answer and err stand; then only the caller looks at the call

	waited *atomic.Int64 // told how long the call was in the queue; may be nil
	queued time.Time     // if waited is not nil

	before *call[Q, R] // in its batch, with the same question; may be nil

	leave func() // may be nil
	unit  uint64 // calls of one unit run in one batch, in order; 0: on its own

	started  bool // under the coalescer's mutex: part of a running batch
	answered bool // the caller has taken the answer
}

func (c *call[Q, R]) settle(answer R, err error) {
	c.answer, c.err = answer, err
	if c.leave != nil {
		c.leave()
	}
	c.done <- struct{}{}
}

// do asks one question. When ctx ends before the question's batch has started, the question
// is withdrawn and do returns the context's error; after that it returns underway's.
func (c *coalescer[Q, R]) do(ctx context.Context, question Q, underway func(context.Context) error) (R, error) {
	own, _ := c.spare.Get().(*call[Q, R])
	if own == nil {
		own = &call[Q, R]{done: make(chan struct{}, 1)}
	}
	own.question = question
	if err := c.accept(ctx, false, own); err != nil {
		var none R
		return none, err
	}
	answer, err := c.wait(ctx, own, underway)
	if own.answered {
		*own = call[Q, R]{done: own.done}
		c.spare.Put(own)
	}
	return answer, err
}

// enqueue puts questions into the queue, all or none, and sees that a lane runs.
func (c *coalescer[Q, R]) enqueue(ctx context.Context, questions []Q) ([]*call[Q, R], error) {
	calls := callsOf[Q, R](questions)
	return calls, c.accept(ctx, false, calls...)
}

// enqueueUnit is enqueue for questions that are to run in one batch, in their order. They must
// fit into one.
func (c *coalescer[Q, R]) enqueueUnit(ctx context.Context, questions []Q) ([]*call[Q, R], error) {
	calls := callsOf[Q, R](questions)
	return calls, c.accept(ctx, true, calls...)
}

func callsOf[Q, R any](questions []Q) []*call[Q, R] {
	calls := make([]*call[Q, R], len(questions))
	for i, question := range questions {
		calls[i] = &call[Q, R]{question: question, done: make(chan struct{}, 1)}
	}
	return calls
}

func (c *coalescer[Q, R]) accept(ctx context.Context, unit bool, calls ...*call[Q, R]) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if waited := waitOf(ctx); waited != nil && len(calls) > 0 { // those of a unit wait together
		calls[0].waited, calls[0].queued = waited, time.Now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return ErrClosed
	case len(c.queue)+len(calls) > c.maxWaiting:
		c.refused += uint64(len(calls))
		return ErrOverloaded
	}
	if unit {
		c.units++
		for _, own := range calls {
			own.unit = c.units
		}
	}
	if c.enter != nil {
		for _, own := range calls {
			own.leave = c.enter(own.question)
		}
	}
	c.queue = append(c.queue, calls...)
	c.calls += uint64(len(calls))
	c.start()
	return nil
}

// lane is one batch in flight after another.
type lane struct {
	began time.Time // the batch in flight
	open  bool      // another one may begin beside it
	stuck bool      // it has been for longer than the coalescer's patience
}

// start starts a lane for what is in the queue, if there is one to spare; where it is no crowd, as soon as
// every other one is stuck. A timer finds that out only while calls wait: one that is set for each batch
// wakes a thread each time, which a lone caller would feel.
func (c *coalescer[Q, R]) start() {
	if len(c.running) == c.lanes {
		return
	}
	moving := c.moving(nil)
	switch {
	case moving == nil || c.crowded(moving):
		l := &lane{began: time.Now(), open: !c.shy}
		c.running = append(c.running, l)
		go c.work(l)
	case !c.armed:
		c.armed = true
		time.AfterFunc(time.Until(moving.began.Add(c.patience)), c.alarm)
	}
}

// moving returns a lane other than this one that is not stuck, if possible one that is not open; or nil.
func (c *coalescer[Q, R]) moving(other *lane) (moving *lane) {
	for _, l := range c.running {
		if l != other && !l.stuck && (moving == nil || !l.open) {
			moving = l
		}
	}
	return moving
}

// crowded reports whether what waits is worth a lane beside one that moves.
func (c *coalescer[Q, R]) crowded(moving *lane) bool {
	return len(c.queue) >= c.crowd && moving.open
}

// open lets another lane begin beside one.
func (c *coalescer[Q, R]) open(l *lane) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.open = true; len(c.queue) > 0 {
		c.start()
	}
}

// alarm has another lane help out where those that run are stuck.
func (c *coalescer[Q, R]) alarm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = false
	if len(c.queue) == 0 {
		return
	}
	for _, l := range c.running {
		l.stuck = l.stuck || time.Since(l.began) >= c.patience
	}
	c.start()
}

func (c *coalescer[Q, R]) wait(ctx context.Context, own *call[Q, R], underway func(context.Context) error) (R, error) {
	select {
	case <-own.done:
		own.answered = true
		return own.answer, own.err
	case <-ctx.Done():
	}
	var none R
	if c.withdraw(own) {
		return none, ctx.Err()
	}
	select {
	case <-own.done: // it came in the meantime: tell the truth
		own.answered = true
		return own.answer, own.err
	default:
		return none, underway(ctx)
	}
}

// withdraw takes a call out of the queue and reports whether it was still there.
func (c *coalescer[Q, R]) withdraw(own *call[Q, R]) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if own.started {
		return false
	}
	for i, queued := range c.queue {
		if queued == own {
			c.queue = append(c.queue[:i], c.queue[i+1:]...)
			if own.leave != nil {
				own.leave()
			}
			break
		}
	}
	return true
}

// work runs batch after batch on a lane until the queue is empty.
func (c *coalescer[Q, R]) work(l *lane) {
	var batch []*call[Q, R] // run keeps none of it
	var open func()
	if c.shy {
		open = func() { c.open(l) }
	}
	for {
		if c.gathers {
			runtime.Gosched()
		}
		batch = c.next(l, batch)
		if len(batch) == 0 {
			return
		}
		c.run(batch, open)
	}
}

// next takes a lane's next batch off the queue, into the memory of the one before. With nothing left the
// lane has ended.
func (c *coalescer[Q, R]) next(l *lane, before []*call[Q, R]) []*call[Q, R] {
	c.mu.Lock()
	defer c.mu.Unlock()
	moving := c.moving(l)
	if len(c.queue) == 0 || moving != nil && !c.crowded(moving) { // another one goes on
		c.end(l)
		return nil
	}
	l.began, l.stuck, l.open = time.Now(), false, !c.shy
	n, bytes := 0, 0
	for n < len(c.queue) {
		calls, size := c.unit(c.queue[n:])
		if n > 0 && (n+calls > c.maxCalls || bytes+size > c.maxBytes) {
			break
		}
		n, bytes = n+calls, bytes+size
	}
	clear(before)
	batch := append(before[:0], c.queue[:n]...)
	for _, taken := range batch {
		taken.started = true
		if taken.waited != nil {
			taken.waited.Add(int64(l.began.Sub(taken.queued)))
		}
	}
	// Copied down rather than sliced off, so that the array neither grows without end nor
	// keeps answered calls alive.
	left := copy(c.queue, c.queue[n:])
	clear(c.queue[left:])
	c.queue = c.queue[:left]
	c.batches++
	return batch
}

// end takes a lane out of those that run.
func (c *coalescer[Q, R]) end(l *lane) {
	c.running = slices.DeleteFunc(c.running, func(r *lane) bool { return r == l })
	switch {
	case len(c.queue) > 0:
		c.start()
	case c.closed && len(c.running) == 0:
		close(c.idle)
	}
}

// unit returns how many calls at the head of the queue must run together, and their size.
func (c *coalescer[Q, R]) unit(queue []*call[Q, R]) (calls, bytes int) {
	first := queue[0]
	for _, next := range queue {
		if next != first && (next.unit == 0 || next.unit != first.unit) {
			break
		}
		calls++
		bytes += c.size(next.question)
	}
	return calls, bytes
}

// close refuses new calls and returns a channel that is closed when every accepted one has
// been answered.
func (c *coalescer[Q, R]) close() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.idle = make(chan struct{})
		if len(c.running) == 0 {
			close(c.idle)
		}
	}
	return c.idle
}

// LaneStats says how busy one kind of call is.
type LaneStats struct {
	Waiting int    // calls in the queue
	Running int    // batches in flight
	Calls   uint64 // accepted since the start
	Batches uint64 // started since the start
	Refused uint64 // calls with [ErrOverloaded] since the start
}

func (c *coalescer[Q, R]) stats() LaneStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return LaneStats{Waiting: len(c.queue), Running: len(c.running), Calls: c.calls, Batches: c.batches, Refused: c.refused}
}
