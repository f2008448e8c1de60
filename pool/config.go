package pool

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// Config says which database a Pool serves and how. DSN or Connector is
// required; for everything else zero means the tuned default given at the
// field, and a negative value means off or unlimited where the field says so.
//
// A Config is a value: Open copies it, and later changes have no effect.
// Printing it (fmt, slog) never shows the password.
type Config struct {
	// DSN names the database: a go-sql-driver DSN such as
	// "user:pass@tcp(db:3306)/shop", or a URL such as
	// "mysql://user:pass@db:3306/shop?charset=utf8mb4". See [ParseDSN] for the
	// schemes, parameters and driver settings.
	DSN string

	// Connector opens connections instead of DSN: SQLite, a test double or any
	// other driver. Exactly one of DSN and Connector must be set. If it is an
	// io.Closer, Shutdown closes it.
	Connector driver.Connector

	// MinConns connections are opened at start and kept warm, so that the first
	// requests after a quiet night do not pay for a connect. Default 1;
	// negative means none. At most MaxConns.
	MinConns int

	// MaxConns is the steady size: how many connections may lie idle. Default
	// 5, which serves thousands of point queries a second; size beyond it with
	// Little's law (queries/s × seconds a query), not by hope. There is no
	// unlimited: bounding it is what a pool is for.
	MaxConns int

	// MaxOverflow connections may exist above MaxConns while callers have been
	// waiting for 20 ms or more. They are closed as they come back unless
	// somebody waits. Default 10; negative means none. The server never sees
	// more than MaxConns + MaxOverflow connections, and one more for the health
	// lane (see [Pool.Ping]).
	MaxOverflow int

	// MaxIdleTime closes a connection that nobody used for so long, never going
	// below MinConns. Default 5 min: below every common NAT and proxy timeout,
	// far below MySQL's wait_timeout of 8 h. Negative means never.
	MaxIdleTime time.Duration

	// MaxLifetime retires a connection of that age when it is next free, so that
	// DNS changes and load balancers are followed. Default 1 h; it must stay
	// below the server's wait_timeout. Negative means never.
	MaxLifetime time.Duration

	// LifetimeJitter shortens each connection's MaxLifetime by up to this
	// fraction, drawn once when it is made, so that connections made together
	// do not expire together. Default 0.25; negative means none; below 1.
	LifetimeJitter float64

	// MaxUses retires a connection that has run so many statements, tested as it
	// comes back. A statement prepared by the caller counts once however often
	// it runs while the connection is held. Default off (0 or negative): the
	// Python guide's 50 re-dials all day; asyncpg, where the setting comes from,
	// has 50,000.
	MaxUses int

	// PingAfterIdle pings a connection before use when it has been idle for so
	// long. Default 1 s: below it a break is caught by the driver's socket check
	// at no cost. A nanosecond means always (pool_pre_ping), negative never.
	PingAfterIdle time.Duration

	// KeepaliveInterval pings a connection that has been idle for so long, and
	// again after as long, so that no NAT or firewall between forgets it and a
	// dead one is replaced before somebody needs it. It does not count as use.
	// Default 2 min; negative means never.
	KeepaliveInterval time.Duration

	// PingTimeout bounds those pings; a connection that takes longer is closed.
	// Default 1 s.
	PingTimeout time.Duration

	// AcquireTimeout bounds the wait for a connection, never the query. Default
	// 1 s: who waited longer for one of a handful of connections is better
	// told. Negative means only the caller's context bounds it.
	AcquireTimeout time.Duration

	// MaxWaiters bounds the callers waiting at one time; further ones are
	// refused at once with ErrQueueFull. Default 1,000; negative means no bound.
	MaxWaiters int

	// QueueTarget is the wait for a connection above which a standing queue is
	// cut: when nobody has been served faster for 100 ms, though the pool is at
	// its full size, and the queue grows or callers give up, the pool serves the
	// newest callers first and refuses those who have waited for so long with
	// ErrOverloaded, until the queue is empty. A burst that drains, and a fixed
	// number of workers waiting for their turns, are never refused. Default
	// 20 ms: at twice the load that 4 connections can do, as many callers were
	// served as without, in 6 ms instead of 130 or never. Negative means off.
	QueueTarget time.Duration

	// ConnectTimeout bounds a whole connect: TCP, TLS, greeting, authentication,
	// session variables and OnConnect. Default 5 s. While the server does not
	// answer at all, attempts start at 1 s and double up to it, so that recovery
	// is noticed soon.
	ConnectTimeout time.Duration

	// StatementCache is how many prepared statements each connection keeps for
	// queries with arguments, so that they cost one round trip and no parsing:
	// a tenth to a fifth more point reads a second than without (make
	// bench-pool). Default 64: more than the distinct statements of most services, and a
	// fleet of 30 instances with 5 connections stays below MySQL's default
	// max_prepared_stmt_count of 16,382. Negative means off.
	//
	// A text is prepared when a connection sees it for the second time; others
	// are sent with their arguments in the text, as they are when the server
	// runs out of statements or cannot prepare one. It is off where the pool
	// does not talk straight to a server (see [Session]), since a proxy would
	// tie a connection with prepared statements to one server.
	//
	// What Scan yields is the same either way, except in an *any: an unsigned
	// BIGINT is an int64 (above its range a []byte) from a cached statement and a
	// uint64 otherwise. A FLOAT keeps all its digits in a cached statement; in
	// text MySQL rounds it to six.
	StatementCache int

	// OnConnect prepares each new connection, within ConnectTimeout; an error
	// closes it and counts as a failed dial. The driver's connection
	// implements driver.ExecerContext. It may be called concurrently and
	// must not keep the connection. The health lane's connection is prepared
	// too.
	OnConnect func(ctx context.Context, conn driver.Conn) error

	// Wrap decorates the connector, for tracing or metrics (otelsql and the
	// like), beneath the pool: it sees the connections that are really made and
	// the statements run on them.
	Wrap func(driver.Connector) driver.Connector

	// HoldWarning reports, through Logger and Stats, a connection that has been
	// held for so long with no call in flight: rows not closed, a transaction
	// forgotten. The report names the file and line of the borrower, and another
	// one says when the connection comes back. A call that takes as long is
	// reported apart. Nothing is taken away. A query whose rows are read slowly
	// counts as held. Default 30 s; negative means off.
	//
	// Stacks are taken of transactions, of up to 500 other borrowers a second,
	// and of all for ten minutes after one was reported whose is unknown.
	HoldWarning time.Duration

	// Logger is told about failing dials, failovers, leaks and abandoned connections,
	// and gets the driver's own messages. Default: nothing is logged.
	Logger *slog.Logger

	// Attributes are sent to the server with each connection (service, version,
	// instance) and can be read there in
	// performance_schema.session_connect_attrs. Names take no ':' or ',',
	// values no ','. They need DSN.
	Attributes map[string]string
}

// WithDefaults returns a copy with every zero setting replaced by its default
// and every "off" spelled the same way, -1: what Open will work with. DSN
// parameters that set a pool size (see [ParseDSN]) are taken over too.
func (c Config) WithDefaults() Config {
	if c.DSN != "" {
		if d, err := ParseDSN(c.DSN); err == nil {
			c = d.applySizes(c)
		}
	}
	def(&c.MinConns, 1)
	def(&c.MaxConns, 5)
	def(&c.MaxOverflow, 10)
	def(&c.MaxIdleTime, 5*time.Minute)
	def(&c.MaxLifetime, time.Hour)
	def(&c.LifetimeJitter, 0.25)
	def(&c.MaxUses, -1)
	def(&c.PingAfterIdle, time.Second)
	def(&c.KeepaliveInterval, 2*time.Minute)
	def(&c.PingTimeout, time.Second)
	def(&c.HoldWarning, 30*time.Second)
	def(&c.AcquireTimeout, time.Second)
	def(&c.MaxWaiters, 1000)
	def(&c.QueueTarget, 20*time.Millisecond)
	def(&c.ConnectTimeout, 5*time.Second)
	def(&c.StatementCache, 64)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Attributes = maps.Clone(c.Attributes)
	return c
}

func def[T int | float64 | time.Duration](v *T, d T) {
	switch {
	case *v == 0:
		*v = d
	case *v < 0:
		*v = -1
	}
}

// Validate reports everything that is wrong, joined, one sentence for each
// broken rule; nil means that Open will accept the Config.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("pool: "+format, args...))
	}
	switch {
	case c.DSN == "" && c.Connector == nil:
		bad("DSN is empty and there is no Connector; set one of them")
	case c.DSN != "" && c.Connector != nil:
		bad("DSN and Connector are both set; set one of them")
	case c.DSN != "":
		if _, err := ParseDSN(c.DSN); err != nil {
			errs = append(errs, err)
		}
	}
	if c.Connector != nil && len(c.Attributes) > 0 {
		bad("Attributes need a DSN; give them to your Connector instead")
	}
	d := c.WithDefaults()
	if d.MaxConns < 0 {
		bad("MaxConns is %d; it must be at least 1, a pool is never unlimited", c.MaxConns)
	} else if d.MinConns > d.MaxConns {
		bad("MinConns is %d, above MaxConns %d; lower the one or raise the other", d.MinConns, d.MaxConns)
	}
	if d.LifetimeJitter >= 1 {
		bad("LifetimeJitter is %g; it is a fraction of MaxLifetime and must be below 1, such as 0.25", c.LifetimeJitter)
	}
	if d.PingTimeout < 0 {
		bad("PingTimeout is %v; it must be above zero, for a ping without a bound can hang", c.PingTimeout)
	}
	if d.ConnectTimeout < 0 {
		bad("ConnectTimeout is %v; it must be above zero, for a stalled connect holds its place until then", c.ConnectTimeout)
	}
	for _, k := range slices.Sorted(maps.Keys(c.Attributes)) {
		if k == "" || strings.ContainsAny(k, ":,") {
			bad("Attributes has the name %q; a name must not be empty nor hold ':' or ','", k)
		}
		if strings.Contains(c.Attributes[k], ",") {
			bad("Attributes[%q] holds a ','; the driver cannot send one", k)
		}
	}
	return errors.Join(errs...)
}

// String describes the Config, with defaults and without the password.
func (c Config) String() string {
	target := "no database"
	switch {
	case c.Connector != nil:
		target = fmt.Sprintf("%T", c.Connector)
	case c.DSN != "":
		target = "invalid DSN"
		if d, err := ParseDSN(c.DSN); err == nil {
			target = d.String()
		}
	}
	d := c.WithDefaults()
	return fmt.Sprintf("pool.Config{%s min=%d max=%d+%d}", target, max(d.MinConns, 0), d.MaxConns, max(d.MaxOverflow, 0))
}

// GoString is String, so that %#v does not show the password either.
func (c Config) GoString() string { return c.String() }

// LogValue is String for package slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }
