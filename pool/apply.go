package pool

import (
	"database/sql"
	"fmt"
)

// Unapplied is a setting of a Config that a plain *sql.DB has no place for.
type Unapplied struct {
	// Setting is the Config's field.
	Setting string
	// Asked tells a setting that the Config names from a default of [Open] that
	// the *sql.DB goes without.
	Asked bool
	// Why says what the *sql.DB does instead.
	Why string
}

func (u Unapplied) String() string { return u.Setting + ": " + u.Why }

// Apply sets database/sql's own four knobs on a *sql.DB that somebody else
// opened, as far as they can say what cfg does, and returns what they cannot:
//
//	SetMaxOpenConns     MaxConns + MaxOverflow
//	SetMaxIdleConns     MaxConns
//	SetConnMaxIdleTime  MaxIdleTime
//	SetConnMaxLifetime  MaxLifetime
//
// It takes effect at once; connections above the new sizes are closed as they
// come back. cfg needs no database: DSN and Connector are not looked at, but
// for sizes in a URL (see [ParseDSN]). Do not call it with a [Pool]'s DB, whose
// callers must queue in the pool.
func Apply(db *sql.DB, cfg Config) []Unapplied {
	d := cfg.WithDefaults()
	var left []Unapplied
	note := func(effective, asked bool, setting, why string, args ...any) {
		if effective {
			left = append(left, Unapplied{Setting: setting, Asked: asked, Why: fmt.Sprintf(why, args...)})
		}
	}
	if d.MaxConns > 0 {
		db.SetMaxOpenConns(d.MaxConns + max(d.MaxOverflow, 0))
		db.SetMaxIdleConns(d.MaxConns)
	}
	// Negative means never to both.
	db.SetConnMaxIdleTime(d.MaxIdleTime)
	db.SetConnMaxLifetime(d.MaxLifetime)

	note(d.MaxConns < 0, true, "MaxConns", "%d would mean unlimited; the sizes were left as they are", cfg.MaxConns)
	note(d.MinConns > 0, cfg.MinConns > 0, "MinConns", "nothing is opened before it is needed, and MaxIdleTime may close every connection")
	note(d.MaxOverflow > 0, cfg.MaxOverflow > 0, "MaxOverflow", "applied as a limit only: connections up to it are opened at once, not after 20 ms of waiting")
	note(d.LifetimeJitter > 0 && d.MaxLifetime > 0, cfg.LifetimeJitter > 0, "LifetimeJitter", "connections made together expire together")
	note(d.MaxUses > 0, true, "MaxUses", "connections are not counted out")
	note(d.PingAfterIdle > 0, cfg.PingAfterIdle > 0, "PingAfterIdle", "idle connections are not pinged; only the driver's socket check looks at them")
	note(d.AcquireTimeout > 0, cfg.AcquireTimeout > 0, "AcquireTimeout", "callers wait until their context ends, and forever without one")
	note(d.MaxWaiters > 0, cfg.MaxWaiters > 0, "MaxWaiters", "any number of callers may wait")
	note(d.QueueTarget > 0, cfg.QueueTarget > 0, "QueueTarget", "a queue that never drains makes everybody late")
	note(d.StatementCache > 0, cfg.StatementCache > 0, "StatementCache", "a query with arguments takes three round trips; interpolateParams=true in the DSN makes it one")
	note(true, cfg.ConnectTimeout > 0, "ConnectTimeout", "a connect is bounded by its caller's context only, and by the driver's timeout until TCP is connected")
	note(cfg.OnConnect != nil, true, "OnConnect", "connections are as the driver opens them")
	note(cfg.Wrap != nil, true, "Wrap", "the connector was given to sql.OpenDB before")
	note(cfg.Logger != nil, true, "Logger", "database/sql logs nothing")
	note(len(cfg.Attributes) > 0, true, "Attributes", "put them into the DSN: connectionAttributes=name:value,…")
	return left
}
