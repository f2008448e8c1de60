package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/health"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

// database is the one that config names.
type database struct {
	db     *sql.DB
	name   string // without the password
	server bool   // which may be down, and come back
	checks []health.Check
	close  func(context.Context) error
}

func openDatabase(ctx context.Context, c config, log *slog.Logger) (*database, error) {
	if c.file != "" {
		return openSQLite(c.file)
	}
	p, err := pool.Open(ctx, pool.Config{DSN: c.dsn, Logger: log, Attributes: map[string]string{"program_name": "productkit"}})
	if err != nil {
		return nil, err
	}
	d, err := pool.ParseDSN(c.dsn)
	if err != nil {
		return nil, err
	}
	// Ping goes past the pool's own connections, so a database that is down and a pool that is
	// exhausted are two findings.
	return &database{db: p.DB(), name: d.String(), server: true, close: p.Shutdown, checks: []health.Check{
		{Name: "database", Run: p.Ping, Interval: 2 * time.Second},
		{Name: "pool", Run: func(context.Context) error { return saturated(p.Stats()) }, Weight: health.Degrading,
			Details: func() any { return p.Stats().State }},
	}}, nil
}

func saturated(s pool.Stats) error {
	if s.Waiting > 0 && s.Busy >= s.Limit {
		return fmt.Errorf("all connections are busy: %v", s.State)
	}
	return nil
}

func openSQLite(file string) (*database, error) {
	// WAL lets readers and the writer work side by side; FULL keeps every answered write through
	// a power cut; IMMEDIATE takes the write lock at the start, where waiting for it is harmless.
	settings := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(wal)", "synchronous(full)"}, "_txlock": {"immediate"}}
	name := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(file), RawQuery: settings.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8) // each has a page cache of its own
	db.SetMaxIdleConns(8)
	return &database{db: db, name: "SQLite in " + file,
		close:  func(context.Context) error { return db.Close() },
		checks: []health.Check{{Name: "database", Run: db.PingContext}},
	}, nil
}

// prepare migrates and opens the store. A server that does not answer is waited for, because both
// may have been started together; then, or at once for any other fault, it gives up, so that
// whoever started it hears of it.
func (d *database) prepare(ctx context.Context, wait time.Duration, log *slog.Logger) (*sqlstore.Store, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	opts := &sqlstore.Options{Logger: log}
	for attempt := 1; ; attempt++ {
		err := sqlstore.Migrate(ctx, d.db, opts)
		if err == nil {
			var store *sqlstore.Store
			if store, err = sqlstore.New(ctx, d.db, opts); err == nil {
				return store, nil
			}
		}
		if !d.server || !errors.Is(err, product.ErrUnavailable) {
			return nil, fmt.Errorf("the database %s cannot be used: %w", d.name, err)
		}
		if attempt == 1 {
			log.Warn("waiting for the database", "database", d.name, "at_most", wait, "error", cause(err))
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the database %s is not available: %w; start it, or correct DATABASE_URL", d.name, cause(err))
		case <-time.After(min(time.Second, wait/4)):
		}
	}
}

// cause is what the server, or the way to it, said.
func cause(err error) error {
	var acquire *pool.AcquireError
	if errors.As(err, &acquire) && acquire.DialErr != nil {
		return acquire.DialErr
	}
	return err
}
