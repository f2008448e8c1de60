package pool

import (
	"context"
	"time"
)

// waiter is one caller waiting for a connection. All fields but ready are
// guarded by the engine's mutex.
type waiter struct {
	ctx    context.Context
	since  time.Time
	ready  chan grant // capacity 1: granting never blocks
	queued bool

	prev, next *waiter
}

// grant answers a waiter, exactly once: a connection or an error.
type grant struct {
	c   *conn
	err error
}

// waitQueue is a list, the first come at its head. A list, because waiters leave
// from anywhere in it.
type waitQueue struct {
	head, tail *waiter
	n          int
}

func (q *waitQueue) pushBack(w *waiter) {
	w.queued = true
	w.prev, w.next = q.tail, nil
	if q.tail != nil {
		q.tail.next = w
	} else {
		q.head = w
	}
	q.tail = w
	q.n++
}

// pushFront is for a waiter whose connection turned out to be broken: it keeps
// its turn.
func (q *waitQueue) pushFront(w *waiter) {
	w.queued = true
	w.prev, w.next = nil, q.head
	if q.head != nil {
		q.head.prev = w
	} else {
		q.tail = w
	}
	q.head = w
	q.n++
}

func (q *waitQueue) remove(w *waiter) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		q.head = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		q.tail = w.prev
	}
	w.prev, w.next, w.queued = nil, nil, false
	q.n--
}

// popLive takes the first waiter whose context still runs, or the last. The
// others get their context's error: a connection given to one of them would only
// come back.
func (q *waitQueue) popLive(last bool) *waiter {
	for q.head != nil {
		w := q.head
		if last {
			w = q.tail
		}
		q.remove(w)
		if err := w.ctx.Err(); err != nil {
			w.ready <- grant{err: err}
			continue
		}
		return w
	}
	return nil
}
