package main

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"github.com/productkit-go/productkit/product"
)

// follower is a [product.Service] or, over HTTP, a client's.
type follower interface {
	Follow(ctx context.Context, after product.Seq) iter.Seq2[product.Change, error]
}

// relay hands changes to a function and remembers how far it has come.
type relay struct {
	catalogue follower
	position  position
	log       *slog.Logger

	// deliver gets one change after the other. One that it fails at comes again until it does not,
	// so that nothing is left out and nothing overtakes; and one whose position was not
	// stored, because the process died in between, comes again after the next start. Whoever
	// must not act on it twice keeps the Seq together with what he does.
	deliver func(ctx context.Context, c product.Change) error
}

// longestPause is how long it waits at most before it tries again.
const longestPause = 30 * time.Second

// run relays until ctx ends, which is no error, or until it cannot go on: the position is
// of another database, has expired, or cannot be stored.
func (r *relay) run(ctx context.Context) error {
	after, err := r.position.load()
	if err != nil {
		return err
	}
	for pause := time.Second; ; pause = min(2*pause, longestPause) {
		begin := after
		after, err = r.follow(ctx, after)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errPosition), errors.Is(err, product.ErrChangesExpired), errors.Is(err, product.ErrInvalid):
			return err
		}
		if after > begin {
			pause = time.Second
		}
		r.log.Warn("relaying goes on later", "after", after, "pause", pause, "error", err)
		sleep(ctx, pause)
	}
}

// follow relays until something fails. It returns the position of the last change that was
// delivered and stored.
func (r *relay) follow(ctx context.Context, after product.Seq) (product.Seq, error) {
	for c, err := range r.catalogue.Follow(ctx, after) {
		if err != nil {
			return after, err
		}
		if err := r.deliver(ctx, c); err != nil {
			return after, err
		}
		if err := r.position.store(c.Seq); err != nil {
			return after, err
		}
		after = c.Seq
	}
	return after, nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
