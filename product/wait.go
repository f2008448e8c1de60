package product

import (
	"context"
	"sync/atomic"
)

type waitKey struct{}

// WithWait returns a context whose calls of a [Service] add to d how long they waited for their batch to
// begin, in nanoseconds: for the log of a request. Calls that share no batch, such as List, wait for
// a connection only.
func WithWait(ctx context.Context, d *atomic.Int64) context.Context {
	return context.WithValue(ctx, waitKey{}, d)
}

func waitOf(ctx context.Context) *atomic.Int64 {
	d, _ := ctx.Value(waitKey{}).(*atomic.Int64)
	return d
}
