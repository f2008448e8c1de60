// Package txretry holds what repeating a transaction needs: how long to wait, and after which
// errors it is worth it.
package txretry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Numbers of the two errors after which MySQL and MariaDB ask to run a transaction again
// (MySQL Error Reference).
const (
	LockWaitTimeout = 1205 // ER_LOCK_WAIT_TIMEOUT; only the statement was undone
	Deadlock        = 1213 // ER_LOCK_DEADLOCK; the whole transaction was undone
)

// Retryable reports whether a transaction that failed with this error number may succeed when
// it is run again.
func Retryable(number uint16) bool { return number == LockWaitTimeout || number == Deadlock }

// Backoff spaces attempts. The zero value waits 5 ms before the second attempt and twice as
// long before each further one, up to 500 ms; each wait is drawn at random between half of that
// and all of it, so that those who met in a deadlock do not meet again.
//
// It is not safe for concurrent use.
type Backoff struct {
	First time.Duration // default 5 ms
	Max   time.Duration // default 500 ms
	next  time.Duration
}

// Wait waits before the next attempt. It returns the context's error at once when that ends.
func (b *Backoff) Wait(ctx context.Context) error {
	timer := time.NewTimer(b.step())
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *Backoff) step() time.Duration {
	first, most := b.First, b.Max
	if first <= 0 {
		first = 5 * time.Millisecond
	}
	if most <= 0 {
		most = 500 * time.Millisecond
	}
	wait := min(max(b.next, first), most)
	b.next = 2 * wait
	return wait/2 + rand.N(wait/2+1)
}
