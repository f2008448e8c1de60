package product

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// MaxIdempotencyKeyLen is how many characters an idempotency key has at most.
const MaxIdempotencyKeyLen = 255

// ValidIdempotencyKey reports whether s can be an idempotency key: 1 to
// [MaxIdempotencyKeyLen] characters of UTF-8.
func ValidIdempotencyKey(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= MaxIdempotencyKeyLen
}

type idempotencyKey struct{}

// idempotent is a key on its way through one call.
type idempotent struct {
	key      string
	replayed atomic.Bool
}

// WithIdempotencyKey returns a context for one write that is to happen once however often it
// is asked for: by a caller who got no answer, on whatever instance. The first success is
// recorded in the write's own transaction; whoever asks for the same with the same key gets
// its outcome as of then, and [Replayed] tells. A refusal is not recorded and is decided anew.
// Whoever asks while the first write is still on its way waits for it, and gets [ErrKeyUnderway] if
// its context ends before.
//
// Keys are each actor's own, see [WithActor], and serve the writes of one product (Create,
// Update, Upsert, Delete, Restore, AdjustStock and SetStock), UpdateGroup, and batches, whose
// operations have records of their own. Another write with a key that is taken is refused with
// [ErrKeyReused], so that a context used for two writes does no harm; Merge and what is done with
// reservations, which may be repeated anyway, do not look at it. How long a record is kept is the
// Store's to say.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, idempotencyKey{}, &idempotent{key: key})
}

// IdempotencyKey returns the key of a context from [WithIdempotencyKey], and a function that tells
// whether its write was a repetition, for [Replayed]. It is for those who carry a write on to a
// Service elsewhere.
func IdempotencyKey(ctx context.Context) (key string, answered func(replayed bool), ok bool) {
	i := idempotentOf(ctx)
	if i == nil {
		return "", nil, false
	}
	return i.key, i.replayed.Store, true
}

// Replayed reports whether the write made with ctx was answered with the outcome of an earlier
// one; of a batch, whether every operation was. It is false before the write has returned, and without [WithIdempotencyKey].
func Replayed(ctx context.Context) bool {
	i := idempotentOf(ctx)
	return i != nil && i.replayed.Load()
}

// answered notes for [Replayed] whether all that was written with ctx had been written before.
func answered(ctx context.Context, outcomes []Outcome) {
	if key := idempotentOf(ctx); key != nil {
		key.replayed.Store(!slices.ContainsFunc(outcomes, func(o Outcome) bool { return !o.Replayed }))
	}
}

func idempotentOf(ctx context.Context) *idempotent {
	i, _ := ctx.Value(idempotencyKey{}).(*idempotent)
	return i
}

// RecordID names an idempotency record: a digest of its actor and key, and of an operation's index
// in its batch.
type RecordID [sha256.Size]byte

// Record is the first success of a write with an idempotency key. A [Store] keeps it in the
// write's transaction.
type Record struct {
	ID          RecordID
	Fingerprint [sha256.Size]byte // of what was asked for
	At          time.Time
	Outcome     Outcome // a product's or a stock's, as of then; never an error
}

// once makes a write one that happens once. In a batch, its index tells it from the others.
func (w *Write) once(key string, index ...string) error {
	if !ValidIdempotencyKey(key) {
		var f faults
		f.add("idempotency_key", "format", "must be 1 to %d characters of UTF-8", MaxIdempotencyKeyLen)
		return f.err()
	}
	id := RecordID(digest(append([]string{w.Actor, key}, index...)))
	w.Record, w.Fingerprint = &id, w.fingerprint()
	return nil
}

// digest is that of a list of strings, of an actor and a key. It keeps them apart, whatever
// characters they have.
func digest(parts []string) [sha256.Size]byte { return sha256.Sum256(jsonOf(parts)) }

// replay answers a write with the outcome of the one that had its key before.
func (w *Write) replay(r *Record) Outcome {
	if r.Fingerprint != w.Fingerprint {
		return Outcome{Err: ErrKeyReused}
	}
	outcome := r.Outcome
	outcome.Replayed = true
	return outcome
}

// recordOf returns what is kept of a write that succeeded.
func recordOf(w *Write, o Outcome) Record {
	if w.Op == OpAdjustStock || w.Op == OpSetStock {
		o.Product = Product{} // nobody is told of it
	}
	return Record{ID: *w.Record, Fingerprint: w.Fingerprint, At: w.At, Outcome: o}
}
