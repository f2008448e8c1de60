package product

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// tail lets any number of callers wait for the end of the change feed to move, at the cost of one.
//
// Its runner looks at the feed while somebody waits at the end, and only then. What it finds goes
// to everybody who waits, and stays in a bounded window for those who come back a little
// later. Whoever is further behind reads the store for himself until he has caught up, so a slow
// follower costs nobody else anything.
type tail struct {
	look     func(after Seq) ([]Change, error)
	read     func(ctx context.Context, after Seq, limit int) ([]Change, error)
	interval time.Duration
	wake     chan struct{} // of capacity 1: the runner should look now

	mu      sync.Mutex
	window  []Change // the last that were found
	bytes   int      // their size
	from    Seq      // what stands before the window
	tip     Seq      // its end, and that of the feed when the runner last looked; -1 before
	next    *move
	found   time.Time // when the runner last found something; the runner's own
	running bool
	closed  bool
	idle    chan struct{} // closed when closed and nothing runs
}

// move is one movement of the end, which callers wait for.
type move struct {
	waiting int           // callers, under the tail's mutex
	done    chan struct{} // closed when it has happened, or err stands
	err     error
}

const (
	// windowLength and windowBytes bound the window: so many changes that followers who wait
	// and work in turns find theirs in it.
	windowLength = MaxChanges
	windowBytes  = 4 << 20

	// pace is the least time between a look that found something and the next one. It is the
	// price of following: without it three followers took a third of the writers' throughput,
	// for each look at a busy feed ends with a commit of its own.
	pace = 20 * time.Millisecond

	// firstPause is how long the runner waits before it looks again after a look that found
	// nothing; then twice as long, and so on up to the interval.
	firstPause = 10 * time.Millisecond
)

func newTail(s *Service) *tail {
	return &tail{
		look:     s.look,
		read:     s.Changes,
		interval: s.opts.FollowInterval,
		wake:     make(chan struct{}, 1),
		tip:      -1,
		next:     &move{done: make(chan struct{})},
	}
}

// await returns the changes after a position as soon as there are any.
func (t *tail) await(ctx context.Context, after Seq, limit int) ([]Change, error) {
	for caughtUp := false; ; {
		page, next, err := t.join(after, limit, caughtUp)
		switch {
		case err != nil || len(page) > 0:
			return page, err
		case next == nil:
			page, err := t.read(ctx, after, limit)
			if len(page) > 0 || err != nil && !errors.Is(err, ErrBusy) {
				return page, err
			}
			caughtUp = true
			continue
		}
		select {
		case <-next.done:
			if next.err != nil {
				return nil, next.err
			}
		case <-ctx.Done():
			t.leave(next)
			return nil, ctx.Err()
		}
	}
}

// join returns what the window has after a position, or the move to wait for; or neither, and
// then the caller has to read the store.
func (t *tail) join(after Seq, limit int, caughtUp bool) ([]Change, *move, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, nil, ErrClosed
	}
	if after >= t.from && after < t.tip {
		begin, _ := slices.BinarySearchFunc(t.window, after+1, func(c Change, seq Seq) int { return cmp.Compare(c.Seq, seq) })
		return slices.Clone(t.window[begin:min(begin+limit, len(t.window))]), nil, nil
	}
	switch {
	case after == t.tip:
	case !caughtUp || t.running && after < t.tip:
		return nil, nil, nil
	case !t.running: // elsewhere somebody has moved the end
		t.window, t.bytes, t.from, t.tip = nil, 0, after, after
	}
	t.next.waiting++
	if !t.running {
		t.running = true
		go t.run()
	}
	return nil, t.next, nil
}

// leave is what a caller does who stops waiting.
func (t *tail) leave(next *move) {
	t.mu.Lock()
	defer t.mu.Unlock()
	next.waiting--
	if t.next.waiting == 0 {
		t.rouse() // to end
	}
}

// rouse makes the runner look at once. It never blocks.
func (t *tail) rouse() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// run looks until nobody waits any more.
func (t *tail) run() {
	for pause := firstPause; ; {
		time.Sleep(time.Until(t.found.Add(pace)))
		after, ok := t.wanted()
		if !ok {
			return
		}
		page, err := t.look(after)
		if len(page) > 0 || err != nil && !errors.Is(err, ErrBusy) {
			t.publish(page, err)
			pause = firstPause
			continue
		}
		if t.interval >= 0 {
			pause = min(pause, t.interval)
		}
		t.rest(pause)
		pause *= 2
	}
}

// rest waits until it is time to look again.
func (t *tail) rest(pause time.Duration) {
	if t.interval < 0 {
		<-t.wake
		return
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.wake:
	}
}

// wanted returns where to look. When nobody waits, the runner has ended.
func (t *tail) wanted() (after Seq, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next.waiting == 0 || t.closed {
		t.running = false
		if t.closed {
			close(t.idle)
		}
		return 0, false
	}
	select {
	case <-t.wake: // what it tells of is committed, so this look finds it
	default:
	}
	return t.tip, true
}

// publish hands what was found to everybody who waits.
func (t *tail) publish(page []Change, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range page {
		t.bytes += page[i].Size()
	}
	t.window = append(t.window, page...)
	old := 0
	for len(t.window)-old > windowLength || t.bytes > windowBytes && old < len(t.window) {
		t.bytes -= t.window[old].Size()
		t.from = t.window[old].Seq
		old++
	}
	t.window = slices.Clone(t.window[old:]) // so that the old ones are not kept alive
	if len(page) > 0 {
		t.tip = page[len(page)-1].Seq
		t.found = time.Now()
	}
	t.turn(err)
}

// turn ends the present move.
func (t *tail) turn(err error) {
	t.next.err = err
	close(t.next.done)
	t.next = &move{done: make(chan struct{})}
}

// close ends everybody's waiting and returns a channel that is closed when nothing runs.
func (t *tail) close() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.closed = true
		t.idle = make(chan struct{})
		t.turn(ErrClosed)
		if !t.running {
			close(t.idle)
		}
		t.rouse()
	}
	return t.idle
}
