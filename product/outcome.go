package product

import "context"

type outcomeKey struct{}

// WithOutcome returns a context for one write of a [Service], which puts all that it came to into
// o before it returns: a product together with its stock, both of the same moment, and what its
// own results leave out.
func WithOutcome(ctx context.Context, o *Outcome) context.Context {
	return context.WithValue(ctx, outcomeKey{}, o)
}
