package console

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/productkit-go/productkit/health"
	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/internal/mount"
	"github.com/productkit-go/productkit/pool"
)

// Options tunes a [Handler]. The zero value, and nil, mean the defaults.
type Options struct {
	// Prefix is what the paths of all pages begin with, such as "/console": what
	// [httpapi.Options].Prefix may be. Default: none.
	Prefix string

	// Authorize decides on every page, by the operations of the API that would do the same:
	// [httpapi.OpListProducts] for the list of products. One function serves both; see
	// [httpapi.Options].Authorize. Default: all is allowed, for the host's middleware has decided.
	Authorize func(r *http.Request, op httpapi.Operation) (actor string, err error)

	// SignIn is for hosts whose Authorize takes keys that a browser does not send by itself. Who is
	// not authenticated is then asked for a key, and the console keeps it in a cookie, HttpOnly,
	// SameSite=Strict and for its own paths, and gives it to Authorize as Authorization: Bearer KEY.
	// So no session is kept on the server: it may be restarted, be many, and take back a key.
	// Default: such a request is answered with 401.
	SignIn bool

	// LowStock is at how many available pieces, or fewer, a product is marked as low. Default 5.
	// Negative: none is.
	LowStock int

	// PageSize is how many products a page has, at most 200. Default 50: few enough for 15 KB.
	PageSize int

	// MaxBodyBytes bounds a form. Default 2 MiB: the biggest product is below 400 KiB, and a form
	// may spell each byte with three. It cannot be switched off.
	MaxBodyBytes int64

	// Timeout bounds a request. Default 15 s, as for the API. Negative: none.
	Timeout time.Duration

	// MaxRequests is how many requests are served at once, streams apart; more are answered with 503, so
	// that no number of pages takes the place of the API. Default 32. Negative: unlimited.
	MaxRequests int

	// StreamIdle is how long a file that is sent or taken, or what is shown live, waits for the browser
	// before it is cut. It replaces the server's ReadTimeout and WriteTimeout, where the ResponseWriter
	// supports that. Default 30 s, as for the API. Negative: forever.
	StreamIdle time.Duration

	// MaxImports is how many imports run at once. Three times as many files are kept, for their users to
	// look at; the next one takes the place of that whose user has been away longest. Default 2: they
	// share the database with everybody else.
	MaxImports int

	// MaxImportBytes bounds a file to import. It is kept in the system's folder for temporary files.
	// Default 256 MiB, which is more than a million products.
	MaxImportBytes int64

	// ImportTimeout bounds the sending of a file, and each run of an import, which goes on without the
	// browser. Default 1 h.
	ImportTimeout time.Duration

	// KeepImports is how long a file, and after an import what came of it, is kept since its user has
	// last looked. Default 30 min.
	KeepImports time.Duration

	// MaxFollowers is how many browsers follow the changes at once. Default 64: one costs a goroutine and
	// its connection, and all together one query a second. Negative: unlimited.
	MaxFollowers int

	// Pool, DB, Health and Requests are what the page of operations tells of, besides the catalogue and the
	// process; what is not set is left out. DB is for hosts without a Pool, and looked at without one only.
	// Requests are counted by the host.
	Pool     *pool.Pool
	DB       *sql.DB
	Health   *health.Probe
	Requests *Requests

	// Trusted reports whether the page of operations, which names hosts, users and files of the program,
	// may be seen, once Authorize has allowed [httpapi.OpGetLimits]. Default: whoever gets so far may.
	Trusted func(*http.Request) bool

	// Logger gets every import's outcome, and the cause of every 500 and 503, which no page shows. Default: nothing is logged.
	Logger *slog.Logger
}

// WithDefaults returns the options with every zero replaced by its default.
func (o Options) WithDefaults() Options {
	def(&o.LowStock, 5)
	def(&o.PageSize, 50)
	def(&o.MaxBodyBytes, 2<<20)
	def(&o.Timeout, 15*time.Second)
	def(&o.MaxRequests, 32)
	def(&o.StreamIdle, 30*time.Second)
	def(&o.MaxImports, 2)
	def(&o.MaxImportBytes, 256<<20)
	def(&o.ImportTimeout, time.Hour)
	def(&o.KeepImports, 30*time.Minute)
	def(&o.MaxFollowers, 64)
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
	for _, fault := range mount.Check(o.Prefix, "/console", "{id}", "{file}") {
		errs = append(errs, errors.New("console: "+fault))
	}
	if o.PageSize < 0 || o.PageSize > 200 {
		errs = append(errs, fmt.Errorf("console: PageSize %d must be 1 to 200", o.PageSize))
	}
	if o.MaxBodyBytes < 0 {
		errs = append(errs, fmt.Errorf("console: MaxBodyBytes %d must not be negative: no body is read without a bound", o.MaxBodyBytes))
	}
	for _, bound := range []struct {
		name  string
		value int64
	}{{"MaxImports", int64(o.MaxImports)}, {"MaxImportBytes", o.MaxImportBytes}, {"ImportTimeout", int64(o.ImportTimeout)}, {"KeepImports", int64(o.KeepImports)}} {
		if bound.value < 0 {
			errs = append(errs, fmt.Errorf("console: %s must not be negative: no file is taken or kept without a bound", bound.name))
		}
	}
	if o.SignIn && o.Authorize == nil {
		errs = append(errs, errors.New("console: SignIn is set and Authorize is not, so no key could be wrong; set both or none"))
	}
	return errors.Join(errs...)
}
