package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/productkit-go/productkit/internal/searchtext"
	"github.com/productkit-go/productkit/product"
)

// Dialect is the SQL that a database speaks.
type Dialect string

// The dialects.
const (
	MySQL   Dialect = "mysql"
	MariaDB Dialect = "mariadb"
	SQLite  Dialect = "sqlite"
)

// oldest is the oldest version of each that has what the store uses: NOWAIT on MySQL (8.0.1)
// and on MariaDB (10.3), the latter's oldest that is still maintained; STRICT tables on SQLite.
var oldest = map[Dialect][2]int{MySQL: {8, 0}, MariaDB: {10, 6}, SQLite: {3, 37}}

// Engine is the database that [New] found.
type Engine struct {
	Dialect Dialect
	Version string // as the database says it
}

// String returns the dialect and the version.
func (e Engine) String() string { return string(e.Dialect) + " " + e.Version }

// querier is what *sql.DB, *sql.Conn and *sql.Tx have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// identify finds out which database this is, and whether it is new enough.
func identify(ctx context.Context, q querier) (Engine, error) {
	var e Engine
	err := q.QueryRowContext(ctx, "SELECT VERSION()").Scan(&e.Version)
	switch {
	case err == nil && strings.Contains(strings.ToLower(e.Version), "mariadb"):
		e.Dialect = MariaDB
	case err == nil:
		e.Dialect = MySQL
	case sqliteCode(err) != 0: // SQLite has no function VERSION
		e.Dialect = SQLite
		err = q.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&e.Version)
	}
	if err != nil {
		return e, fmt.Errorf("sqlstore: asking the database for its version: %w", classify(err))
	}
	if need := oldest[e.Dialect]; olderThan(e.Version, need) {
		return e, fmt.Errorf("sqlstore: %s is too old; %s %d.%d or newer is needed", e, e.Dialect, need[0], need[1])
	}
	return e, nil
}

// probeSearch checks that the server's parser of full text leaves out none of our words.
func (e Engine) probeSearch(ctx context.Context, q querier) error {
	if e.Dialect == SQLite {
		return nil
	}
	var shortest, longest int
	err := q.QueryRowContext(ctx, "SELECT @@innodb_ft_min_token_size, @@innodb_ft_max_token_size").Scan(&shortest, &longest)
	if err != nil {
		return fmt.Errorf("sqlstore: asking the database for its full-text settings: %w", classify(err))
	}
	if shortest > searchtext.MinServerToken || longest < searchtext.MaxServerToken {
		return fmt.Errorf("sqlstore: the server leaves words out of full-text indexes (innodb_ft_min_token_size=%d, innodb_ft_max_token_size=%d); set at most %d and at least %d, which are the defaults, or Options.NoSearch",
			shortest, longest, searchtext.MinServerToken, searchtext.MaxServerToken)
	}
	return nil
}

// olderThan compares the leading numbers of a version such as 10.11.19-MariaDB-0+deb12u1.
func olderThan(version string, need [2]int) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	if errA != nil || errB != nil {
		return false // a build that counts in its own way: let it try
	}
	return a < need[0] || a == need[0] && b < need[1]
}

// ErrNotMigrated: tables or columns are missing. [Migrate] makes them.
var ErrNotMigrated = errors.New("sqlstore: the tables are missing or too old")

// checkSchema looks at the tables themselves and not at the version table, because a team may
// run the migrations with a tool of its own.
func checkSchema(ctx context.Context, q querier, e Engine, t tables) error {
	for _, query := range t.probes() {
		rows, err := q.QueryContext(ctx, query)
		if err == nil {
			err = errors.Join(rows.Err(), rows.Close())
		}
		if err == nil {
			continue
		}
		if missingTable(err) {
			return fmt.Errorf("%w: run sqlstore.Migrate, or the files of sqlstore.Migrations, on this %s database first: %w", ErrNotMigrated, e.Dialect, err)
		}
		return fmt.Errorf("sqlstore: looking at the tables: %w", classify(err))
	}
	return nil
}

var _ product.Store = (*Store)(nil)
