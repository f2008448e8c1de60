package product

import "context"

type actorKey struct{}

// WithActor returns a context whose writes are recorded under this name, a [ValidActor], in the
// history.
func WithActor(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// ValidActor reports whether s can be an actor: one line of at most [MaxReasonLen] characters of
// UTF-8, without white space around it.
func ValidActor(s string) bool {
	var f faults
	f.line("actor", s, MaxReasonLen)
	return f.err() == nil
}

func actorOf(ctx context.Context) string {
	actor, _ := ctx.Value(actorKey{}).(string)
	return actor
}
