package pool

import (
	"context"
	"sync/atomic"
	"time"
)

type waitKey struct{}

// WithWait returns a context whose calls add to d how long they waited for a connection, in
// nanoseconds: for the log of a request. Those that got one at once add nothing.
func WithWait(ctx context.Context, d *atomic.Int64) context.Context {
	return context.WithValue(ctx, waitKey{}, d)
}

// tellWait adds what a caller has waited since start.
func tellWait(ctx context.Context, start time.Time) {
	if d, ok := ctx.Value(waitKey{}).(*atomic.Int64); ok {
		d.Add(int64(time.Since(start)))
	}
}
