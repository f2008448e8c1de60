package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// Migrate brings the tables to what this release needs. It is the only thing here that changes
// a schema, and runs only when called. It needs the rights to create and alter tables, and to create
// and drop indexes.
//
// Any number of processes may call it at once: one migrates, the others wait, up to
// [Options].MigrateWait, and find it done. It may be killed at any time and run again: each
// migration is one statement that does no harm when it had succeeded unrecorded, because DDL
// commits by itself on MySQL.
//
// Migrations only go forward. They expand first and contract in a later release, so the
// previous release runs on the new schema, and going back needs no way down, which would drop
// what has been written since.
//
// Errors: [product.ErrUnavailable], [product.ErrBusy] if somebody else kept migrating, or the
// migration that failed with the database's error.
func Migrate(ctx context.Context, db *sql.DB, opts *Options) error {
	o, err := opts.resolve()
	if err != nil {
		return err
	}
	var engine Engine
	if err := whileFileBusy(ctx, o.MigrateWait, func(context.Context) error {
		abilities, err := probe(ctx, db)
		if err == nil {
			engine = abilities.Engine
		}
		return err
	}); err != nil {
		return err
	}
	files, err := Migrations(engine.Dialect, &o)
	if err != nil {
		return err
	}
	dialect := goose.DialectMySQL
	var lock sessionLock = &serverLock{prefix: o.TablePrefix, wait: o.MigrateWait}
	if engine.Dialect == SQLite {
		dialect = goose.DialectSQLite3
		lock = &fileLock{wait: o.MigrateWait}
	}
	store, err := database.NewStore(dialect, o.TablePrefix+"migrations")
	if err != nil {
		return fmt.Errorf("sqlstore: preparing the migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectCustom, db, files,
		goose.WithStore(versions{Store: store, dialect: engine.Dialect}),
		goose.WithSessionLocker(lock),
		// DDL commits by itself on MySQL, and SQLite's lock is a transaction already.
		goose.WithIsolateDDL(true),
		goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(o.Logger),
	)
	if err != nil {
		return fmt.Errorf("sqlstore: preparing the migrations: %w", err)
	}
	// Not provider.Up, which makes the version table before it takes the lock (goose v3.29).
	for _, source := range provider.ListSources() {
		result, err := provider.ApplyVersion(ctx, source.Version, true)
		switch {
		case errors.Is(err, goose.ErrAlreadyApplied):
		case err != nil:
			return fmt.Errorf("sqlstore: migrating by %s: %w", source.Path, classify(err))
		default:
			o.Logger.Info("sqlstore: migrated", "migration", source.Path, "duration", result.Duration)
		}
	}
	return nil
}

// versions is goose's table of versions, safe against being killed between its creation and its
// first row, and indifferent to the host's parseTime.
type versions struct {
	database.Store
	dialect Dialect
}

// CreateVersionTable does no harm if the table is there.
func (v versions) CreateVersionTable(ctx context.Context, db database.DBTxConn) error {
	columns := "id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, version_id BIGINT NOT NULL, is_applied BOOLEAN NOT NULL, tstamp DATETIME NULL DEFAULT CURRENT_TIMESTAMP"
	if v.dialect == SQLite {
		columns = "id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TEXT DEFAULT CURRENT_TIMESTAMP"
	}
	_, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+v.Tablename()+" ("+columns+")")
	return err
}

// GetMigration does not read the time, which nobody here asks for. Goose calls it for version 0
// to see whether the table is there and has its first row.
func (v versions) GetMigration(ctx context.Context, db database.DBTxConn, version int64) (*database.GetMigrationResult, error) {
	var result database.GetMigrationResult
	err := db.QueryRowContext(ctx, "SELECT is_applied FROM "+v.Tablename()+" WHERE version_id = ? LIMIT 1", version).Scan(&result.IsApplied)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, database.ErrVersionNotFound
	}
	return &result, err
}
