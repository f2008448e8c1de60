package spool

import (
	"context"
	"time"
)

// Turn lets one at a time fill its spool, who so holds one of the database's connections.
type Turn chan struct{}

// NewTurn returns a Turn that nobody has taken.
func NewTurn() Turn { return make(Turn, 1) }

// Take waits for the turn until ctx ends, and at most so long if that is positive. It reports whether it
// has come; then [Turn.Leave] must be called.
func (t Turn) Take(ctx context.Context, wait time.Duration) bool {
	if wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, wait)
		defer cancel()
	}
	select {
	case t <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// Leave gives the turn to the next.
func (t Turn) Leave() { <-t }
