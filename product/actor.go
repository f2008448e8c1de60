package product

import "context"

type actorKey struct{}

// WithActor returns a context whose writes are recorded under this name, at most
// [MaxReasonLen] characters, in the history.
func WithActor(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

func actorOf(ctx context.Context) string {
	actor, _ := ctx.Value(actorKey{}).(string)
	return actor
}
