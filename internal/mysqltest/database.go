package mysqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Database is an empty database that belongs to one test and is dropped when the test ends. Its
// character set is utf8mb4. It is safe for concurrent use.
type Database struct {
	server *Server
	config *mysql.Config
	db     *sql.DB
}

// New returns a fresh database on MySQL, or on MariaDB where there is no MySQL. Without any server
// the test is skipped, or fails if REQUIRE_MYSQL says so.
func New(t testing.TB) *Database {
	t.Helper()
	if must, _ := required(MySQL); !must {
		if _, err := shared.server(MySQL); errors.Is(err, errNoServer) {
			if _, err := shared.server(MariaDB); err == nil {
				return NewOn(t, MariaDB)
			}
		}
	}
	return NewOn(t, MySQL)
}

// NewOn returns a fresh database on a server of flavour f. Without one the test is skipped, or
// fails if REQUIRE_MYSQL says so.
func NewOn(t testing.TB, f Flavor) *Database {
	t.Helper()
	server, err := shared.server(f)
	if err != nil {
		missing(t, f, err)
	}
	return server.NewDatabase(t)
}

// Each runs test once for every flavour, each time as a parallel subtest named after the flavour
// and with a database of its own. A missing flavour's subtest is skipped, or fails if REQUIRE_MYSQL
// says so.
func Each(t *testing.T, test func(t *testing.T, db *Database)) {
	t.Helper()
	for _, f := range Flavors() {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			test(t, NewOn(t, f))
		})
	}
}

// NewDatabase returns a fresh database on s for the time of the test.
func (s *Server) NewDatabase(t testing.TB) *Database {
	t.Helper()
	name := newName(time.Now())
	mark := func(do func(resource)) {
		if !s.private {
			do(resource{Kind: kindDatabase, ID: name, DSN: s.config.FormatDSN()})
		}
	}
	mark(reaper.add)
	if _, err := s.admin.ExecContext(t.Context(), "CREATE DATABASE "+name+" CHARACTER SET utf8mb4"); err != nil {
		t.Fatalf("mysqltest: create a database on %s: %v", s.config.Addr, err)
	}
	config := s.Config()
	config.DBName = name
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatalf("mysqltest: %v", err)
	}
	d := &Database{server: s, config: config, db: sql.OpenDB(connector)}
	t.Cleanup(func() {
		_ = d.db.Close()
		if s.private {
			return // goes with its server, which may be dead by now
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := dropDatabase(ctx, s.admin, name); err != nil {
			t.Errorf("mysqltest: drop %s: %v", name, err)
			return
		}
		mark(reaper.remove)
	})
	return d
}

// DB returns a pool of connections to the database. It is closed when the test ends.
func (d *Database) DB() *sql.DB { return d.db }

// DSN returns the data source name for [sql.Open] with the driver "mysql". It sets no parameters
// except those that TEST_DATABASE_URL gave.
func (d *Database) DSN() string { return d.config.FormatDSN() }

// Config returns a copy of the driver's configuration for the database.
func (d *Database) Config() *mysql.Config { return d.config.Clone() }

// Name returns the name of the database.
func (d *Database) Name() string { return d.config.DBName }

// Addr returns the server's address, "host:port".
func (d *Database) Addr() string { return d.server.Addr() }

// Flavor returns the server's flavour.
func (d *Database) Flavor() Flavor { return d.server.Flavor() }

// Version returns the server's answer to SELECT VERSION().
func (d *Database) Version() string { return d.server.Version() }

// Admin returns a pool of connections that are on no database and may KILL others and read the
// process list. Other tests use the same server: do not change its global variables, take a server
// from [Start] for that. The pool is closed with the server, not by the test.
func (d *Database) Admin() *sql.DB { return d.server.Admin() }

const (
	namePrefix = "productkit_test_"
	staleAfter = 2 * time.Hour // far above any test's timeout
)

var nameCount atomic.Int64

// newName returns a database name that no other test on any machine is likely to choose and that
// tells its age to [isStale].
func newName(now time.Time) string {
	return fmt.Sprintf("%s%d_%d_%d", namePrefix, now.Unix(), os.Getpid(), nameCount.Add(1))
}

// isStale reports whether name was made by [newName] so long ago that its test must be dead.
func isStale(name string, now time.Time) bool {
	rest, ok := strings.CutPrefix(name, namePrefix)
	if !ok {
		return false
	}
	seconds, _, _ := strings.Cut(rest, "_")
	made, err := strconv.ParseInt(seconds, 10, 64)
	return err == nil && now.Sub(time.Unix(made, 0)) > staleAfter
}

// dropStale drops the databases that dead runs left on a server.
func dropStale(ctx context.Context, admin *sql.DB) error {
	names, err := queryStrings(ctx, admin, "SELECT schema_name FROM information_schema.schemata")
	if err != nil {
		return err
	}
	for _, name := range names {
		if isStale(name, time.Now()) {
			if err := dropDatabase(ctx, admin, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropDatabase drops name after ending the connections that use it: an open transaction's metadata
// locks would make DROP DATABASE wait for it.
func dropDatabase(ctx context.Context, admin *sql.DB, name string) error {
	var ids []string
	for {
		var err error
		ids, err = queryStrings(ctx, admin, "SELECT id FROM information_schema.processlist WHERE db = '"+name+"'")
		var mysqlErr *mysql.MySQLError
		if errors.As(err, &mysqlErr) && mysqlErr.Number == 3854 && ctx.Err() == nil {
			continue // MySQL 9 cannot show a statement that holds bytes, such as an ID: until it has ended
		}
		if err != nil {
			return err
		}
		break
	}
	for _, id := range ids {
		// The connection may have ended by itself: then there is nothing to kill.
		_, _ = admin.ExecContext(ctx, "KILL "+id)
	}
	_, err := admin.ExecContext(ctx, "DROP DATABASE IF EXISTS `"+name+"`")
	return err
}

func queryStrings(ctx context.Context, db *sql.DB, query string) ([]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var values []string
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, rows.Err()
}
