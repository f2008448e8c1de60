package sqlstore

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"
)

// Options tunes a [Store] and [Migrate]. The zero value, and nil, mean the defaults.
type Options struct {
	// TablePrefix begins the name of every table, because they live in a host's database: 1 to
	// 32 of a–z, 0–9 and _. Default productkit_. All instances on one database must agree.
	TablePrefix string

	// Logger gets what no caller can be told: a COMMIT whose answer was lost, a connection
	// that had to be thrown away, settings of the database that are slow or unsafe. Default:
	// nothing is logged.
	Logger *slog.Logger

	// LockWait is how long a transaction waits for a row that somebody else has locked before
	// it fails with [product.ErrBusy]. Default 1 s: the rows of a whole batch stay locked
	// meanwhile. Servers count whole seconds; fractions are rounded up. Negative: as the
	// connection has it (innodb_lock_wait_timeout), which saves two round trips where the host
	// has set a short one.
	LockWait time.Duration

	// SettleTimeout bounds how long a lost COMMIT is looked into, within the caller's context.
	// Default 30 s, which a restart of the server fits into. Negative: as long as the context.
	SettleTimeout time.Duration

	// KeepIdempotency is how long the outcome of a write with an idempotency key is kept at
	// least, by the clock of the Service that made it. Default 24 h, as clients are used to.
	// Negative: forever.
	KeepIdempotency time.Duration

	// KeepReservations is how long a reservation is kept at least after it was committed or
	// released or has expired, so that asking again is answered as before, by the clock of the
	// Service that wrote it. Default 24 h. Negative: forever.
	KeepReservations time.Duration

	// NoSearch switches [product.Query].Text off: nothing is indexed, which makes writing cheaper
	// (the package documentation says by how much), and a search fails with [product.ErrSearchOff].
	// All instances on one database must agree, or what this one writes is not found by the others.
	NoSearch bool

	// MigrateWait is how long [Migrate] waits, before each migration, for another process that
	// is migrating. Default 60 s. Negative: as long as the context.
	MigrateWait time.Duration
}

// WithDefaults returns the options with every zero replaced by its default.
func (o Options) WithDefaults() Options {
	if o.TablePrefix == "" {
		o.TablePrefix = "productkit_"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.LockWait == 0 {
		o.LockWait = time.Second
	}
	if o.SettleTimeout == 0 {
		o.SettleTimeout = 30 * time.Second
	}
	if o.KeepIdempotency == 0 {
		o.KeepIdempotency = 24 * time.Hour
	}
	if o.KeepReservations == 0 {
		o.KeepReservations = 24 * time.Hour
	}
	if o.MigrateWait == 0 {
		o.MigrateWait = time.Minute
	}
	return o
}

var validPrefix = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)

// maxLockWait is the most that innodb_lock_wait_timeout takes on every server.
const maxLockWait = 100_000_000 * time.Second

// Validate returns an error with one sentence for each broken rule.
func (o Options) Validate() error {
	o = o.WithDefaults()
	var errs []error
	if !validPrefix.MatchString(o.TablePrefix) {
		errs = append(errs, fmt.Errorf("sqlstore: TablePrefix is %q; use 1 to 32 of a-z, 0-9 and _", o.TablePrefix))
	}
	if o.LockWait > maxLockWait {
		errs = append(errs, fmt.Errorf("sqlstore: LockWait is %v; use at most %v", o.LockWait, maxLockWait))
	}
	return errors.Join(errs...)
}

// resolve checks opts and fills in the defaults.
func (o *Options) resolve() (Options, error) {
	if o == nil {
		o = &Options{}
	}
	return o.WithDefaults(), o.Validate()
}
