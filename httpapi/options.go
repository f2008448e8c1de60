package httpapi

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/productkit-go/productkit/internal/mount"
)

// Options tunes a [Handler]. The zero value, and nil, mean the defaults.
type Options struct {
	// Prefix is what the paths of all operations begin with, such as "/v1". It stands in the
	// patterns of the handler's own mux, so that middleware reads the whole of r.Pattern. It
	// begins with a slash, does not end with one, and consists of letters, digits and -._~, and
	// of wildcards for what is the host's, each of a segment: "/{tenant}/v1". Default: none.
	Prefix string

	// MaxBodyBytes bounds the body of every request but an import's; a bigger one is 413.
	// Default 1 MiB: the biggest product is below 400 KiB. It cannot be switched off.
	MaxBodyBytes int64

	// MaxReads and MaxWrites are how many requests of each kind are served at once; one more
	// is 503 at once. Reads and writes have lanes of their own, so that neither starves the
	// other. Defaults 4096 and 1024: many times what two batches of a [product.Service] hold,
	// so that batches fill, and few enough that bodies and answers fit into memory. Negative:
	// unlimited.
	MaxReads  int
	MaxWrites int

	// MaxImports is how many imports run at once. Default 1: an import fills the database's
	// writers by itself. Negative: unlimited.
	MaxImports int

	// MaxFollowers is how many requests for changes are served at once, those that wait and the
	// streams included. Default 1024: one costs a goroutine and its connection, and all together
	// one query a second. Negative: unlimited.
	MaxFollowers int

	// MaxWait is how long a request for changes may wait for one; longer waits are clamped.
	// Default 60 s, which most proxies let pass. Negative: nobody waits.
	MaxWait time.Duration

	// Heartbeat is how often a stream of changes that has nothing to tell gives a sign of life.
	// Default 15 s: proxies cut what is silent for 30 to 60 s. Negative: never.
	Heartbeat time.Duration

	// FollowIdle is how long a stream of changes waits for its client to take what was sent, up
	// to a hundred changes, before it is cut. It replaces the server's ReadTimeout and
	// WriteTimeout, where the ResponseWriter supports that. Default 30 s. Negative: forever.
	FollowIdle time.Duration

	// MaxExports is how many exports are under way at once, most of them sending: one at a time
	// reads the database, and the others wait for it, at most for Timeout. Each keeps its file
	// until it is sent, in memory up to 1 MiB and else in the system's folder for temporary files.
	// Default 8. Negative: unlimited.
	MaxExports int

	// Timeout bounds one operation, reading its body included. Imports and exports have none; they
	// are bound by ImportIdle, and neither has waiting for changes. Default 15 s, which is longer than a [product.Service] takes for a batch
	// by default, so that a writer learns its outcome. Negative: none.
	Timeout time.Duration

	// ImportIdle is how long an import waits for its client, to send or to take something,
	// before it is cut, and an export for 256 KiB to be taken. It replaces the server's ReadTimeout and WriteTimeout, where the
	// ResponseWriter supports that. Default 30 s. Negative: forever.
	ImportIdle time.Duration

	// Authorize decides on every operation before anything else of its request is looked at, and
	// tells who sent it. The actor stands in histories, and idempotency keys and the keys of
	// reservations are each actor's own; it is one line of at most [product.MaxReasonLen] characters, and
	// empty leaves what a middleware has put into the context with [product.WithActor].
	//
	// An error of [ErrUnauthenticated], [ErrForbidden] or [ErrTooManyRequests] is answered with 401,
	// 403 or 429, any other with 500; nothing is done, and no word of it leaves. A PUT by SKU asks
	// for itself and then for what it may come to, [OpCreateProduct] and [OpUpdateProduct]; a batch for itself
	// and then once for each kind of operation in it. What only follows or streams is asked for at
	// its beginning. It is called concurrently and must return when the request's context ends.
	// Default: all is allowed, for the host's middleware has decided.
	Authorize func(r *http.Request, op Operation) (actor string, err error)

	// Challenge is the WWW-Authenticate of an answer that has none yet when Authorize refuses with
	// [ErrUnauthenticated] (RFC 9110, section 11.6.1). Default "Bearer" (RFC 6750).
	Challenge string

	// RequirePrecondition refuses PUT, PATCH and DELETE without If-Match or If-None-Match with
	// 428 (RFC 6585, section 3), so that no client overwrites what it has not seen.
	RequirePrecondition bool

	// ProblemBase is what the type of a problem document begins with; its slug follows.
	// Default: the page of this package's repository that explains them all.
	ProblemBase string

	// Logger gets what callers must not see: the cause of every 500, and of every 503 that is
	// the database's fault, with the request id. Default: nothing is logged.
	Logger *slog.Logger
}

const defaultProblemBase = "https://github.com/productkit-go/productkit/blob/HEAD/httpapi/PROBLEMS.md#"

// WithDefaults returns the options with every zero replaced by its default.
func (o Options) WithDefaults() Options {
	def(&o.MaxBodyBytes, 1<<20)
	def(&o.MaxReads, 4096)
	def(&o.MaxWrites, 1024)
	def(&o.MaxImports, 1)
	def(&o.MaxExports, 8)
	def(&o.Timeout, 15*time.Second)
	def(&o.ImportIdle, 30*time.Second)
	def(&o.MaxFollowers, 1024)
	def(&o.MaxWait, time.Minute)
	def(&o.Heartbeat, 15*time.Second)
	def(&o.FollowIdle, 30*time.Second)
	def(&o.ProblemBase, defaultProblemBase)
	def(&o.Challenge, "Bearer")
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func def[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

// Validate returns one sentence per broken rule, or nil.
func (o Options) Validate() error {
	var errs []error
	for _, fault := range mount.Check(o.Prefix, "/v1", "{id}", "{sku}", "{group}", "{key}") {
		errs = append(errs, errors.New("httpapi: "+fault))
	}
	if o.MaxBodyBytes < 0 {
		errs = append(errs, fmt.Errorf("httpapi: MaxBodyBytes %d must not be negative: no body is read without a bound", o.MaxBodyBytes))
	}
	if _, err := url.Parse(o.ProblemBase); err != nil || strings.ContainsAny(o.ProblemBase, "\"\\ ") {
		errs = append(errs, fmt.Errorf("httpapi: ProblemBase %q must be a URI reference", o.ProblemBase))
	}
	if strings.IndexFunc(o.Challenge, unicode.IsControl) >= 0 {
		errs = append(errs, fmt.Errorf("httpapi: Challenge %q must be one line, such as Bearer realm=\"shop\"", o.Challenge))
	}
	return errors.Join(errs...)
}
