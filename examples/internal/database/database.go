// Package database opens the database of an example, so that all of them understand the same
// DATABASE_URL.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"path/filepath"
	"runtime"
	"time"

	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

// Database is the one that a [Config] names. Whoever has opened it closes it.
type Database struct {
	DB   *sql.DB
	Pool *pool.Pool // under DB; nil for SQLite
	Name string     // without the password
}

// Open opens the database for a program of this name, and does not yet connect to a server. Its errors
// are about the configuration.
func Open(ctx context.Context, c Config, program string, log *slog.Logger) (*Database, error) {
	if c.File != "" {
		return openSQLite(ctx, c.File)
	}
	c.Pool.Logger = log
	attributes := map[string]string{"program_name": program}
	maps.Copy(attributes, c.Pool.Attributes)
	c.Pool.Attributes = attributes
	p, err := pool.Open(ctx, c.Pool)
	if err != nil {
		return nil, err
	}
	d, err := pool.ParseDSN(c.Pool.DSN)
	if err != nil {
		return nil, err
	}
	return &Database{DB: p.DB(), Pool: p, Name: d.String()}, nil
}

func openSQLite(ctx context.Context, file string) (*Database, error) {
	// WAL lets readers and the writer work side by side; FULL keeps every answered write through
	// a power cut; IMMEDIATE takes the write lock at the start, where waiting for it is harmless.
	settings := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(wal)", "synchronous(full)"}, "_txlock": {"immediate"}}
	name := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(file), RawQuery: settings.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	// One a processor, and some for what takes long, such as exports. Each has a page cache of its own, so that
	// with more of them less is found there: lists at 64 clients were 3 % faster with 5 than with 8 on two processors.
	connections := min(runtime.GOMAXPROCS(0)+3, 16)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	// The first connection turns a new file to WAL. Another one would find it locked meanwhile, and SQLite waits for
	// nothing there. Should it fail, so will the next, for somebody who tells of it.
	_ = db.PingContext(ctx)
	return &Database{DB: db, Name: "SQLite in " + file}, nil
}

// Close closes it; connections that are in use are waited for until ctx ends.
func (d *Database) Close(ctx context.Context) error {
	if d.Pool != nil {
		return d.Pool.Shutdown(ctx)
	}
	return d.DB.Close()
}

// Prepare migrates and opens the store. A server that does not answer is waited for, because both
// may have been started together, until ctx ends; for any other fault it gives up at once, so that
// whoever started it hears of it.
func (d *Database) Prepare(ctx context.Context, log *slog.Logger) (*sqlstore.Store, error) {
	opts := &sqlstore.Options{Logger: log}
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, longestPause) {
		err := sqlstore.Migrate(ctx, d.DB, opts)
		if err == nil {
			var store *sqlstore.Store
			if store, err = sqlstore.New(ctx, d.DB, opts); err == nil {
				return store, nil
			}
		}
		if d.Pool == nil || !errors.Is(err, product.ErrUnavailable) {
			return nil, fmt.Errorf("the database %s cannot be used: %w", d.Name, err)
		}
		if ctx.Err() == nil {
			log.Warn("waiting for the database", "database", d.Name, "next_try_in", pause, "error", cause(err))
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the database %s is not available: %w; start it, or correct DATABASE_URL", d.Name, cause(err))
		case <-time.After(pause):
		}
	}
}

// longestPause is how late a server that has come back is noticed.
const longestPause = 4 * time.Second

// cause is what the server, or the way to it, said.
func cause(err error) error {
	var acquire *pool.AcquireError
	if errors.As(err, &acquire) && acquire.DialErr != nil {
		return acquire.DialErr
	}
	return err
}
