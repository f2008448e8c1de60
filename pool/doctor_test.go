package pool_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

// openDSN opens a pool on a DSN made from the test's.
func openDSN(t *testing.T, c *mysql.Config, params string, cfg pool.Config) *pool.Pool {
	t.Helper()
	cfg.DSN = c.FormatDSN() + "?" + params
	if strings.Contains(c.FormatDSN(), "?") {
		cfg.DSN = c.FormatDSN() + "&" + params
	}
	p, err := pool.Open(t.Context(), cfg)
	require.NoError(t, err)
	pooltest.NoLeaks(t, p)
	return p
}

func examine(t *testing.T, p *pool.Pool, o *pool.DoctorOptions) pool.Report {
	t.Helper()
	r, err := p.Doctor(t.Context(), o)
	require.NoError(t, err)
	return r
}

// found returns the finding with this ID, or fails.
func found(t *testing.T, r pool.Report, id string) pool.Finding {
	t.Helper()
	for _, f := range r.Findings {
		if f.ID == id {
			require.NotEmpty(t, f.Fix)
			return f
		}
	}
	require.Failf(t, "not found", "%s in:\n%v", id, r)
	return pool.Finding{}
}

// quiet is a fleet for which there is room on every test server, so that only
// what a test provokes is found.
var quiet = pool.Budget{Instances: 1, Surge: -1}

func TestDoctorFindsNothingInAHealthyPool(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		p := openMySQL(t, db, pool.Config{})
		r := examine(t, p, &pool.DoctorOptions{Fleet: quiet})
		for _, f := range r.Findings {
			// Other tests share the server and may have filled it.
			require.Equal(t, pool.FindingServerFull, f.ID, "%v", r)
		}
		require.Contains(t, r.Server, db.Version())
		require.Contains(t, r.Database, db.Name())
		require.Positive(t, r.Connections)
		require.Greater(t, r.MaxConnections, r.Connections)
		require.NotEmpty(t, r.Clients)
		require.Contains(t, r.String(), "OPEN")
	})
}

func TestDoctorComparesSettingsWithTheServer(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		for _, test := range []struct {
			name, params string
			cfg          pool.Config
			id           string
			severity     pool.Severity
			evidence     string
		}{
			{"lifetime above wait_timeout, closed earlier when idle", "wait_timeout=3000", pool.Config{MinConns: -1},
				pool.FindingLifetime, pool.SeverityWarning, "MaxLifetime is 1h0m0s, wait_timeout 50m0s: the server closes connections that the pool still takes for good, MaxIdleTime 5m0s closes most of them before"},
			{"lifetime and idle time above wait_timeout", "wait_timeout=60", pool.Config{MinConns: -1},
				pool.FindingLifetime, pool.SeverityError, "nothing closes idle ones before: MaxIdleTime is 5m0s"},
			{"no lifetime, warm connections", "wait_timeout=3000", pool.Config{MaxLifetime: -1},
				pool.FindingLifetime, pool.SeverityError, "MaxLifetime is off, wait_timeout 50m0s: the server closes connections that the pool still takes for good, and nothing closes idle ones before: MaxIdleTime is 5m0s, and not for the MinConns kept warm"},
			{"no read timeout", "readTimeout=0s", pool.Config{},
				pool.FindingNoReadTimeout, pool.SeverityWarning, "readTimeout is 0"},
			{"times read as UTC and written as another", "time_zone=%27%2B02:00%27", pool.Config{},
				pool.FindingTimeZone, pool.SeverityError, "time_zone is +02:00, 2h0m0s ahead of UTC, and the driver reads times as UTC, 0s ahead"},
			{"sql_mode without strict", "sql_mode=%27NO_ENGINE_SUBSTITUTION%27", pool.Config{},
				pool.FindingSQLMode, pool.SeverityWarning, `sql_mode is "NO_ENGINE_SUBSTITUTION"`},
			{"another character set", "charset=latin1", pool.Config{},
				pool.FindingCharset, pool.SeverityWarning, "character_set_client is latin1, character_set_connection is latin1, character_set_results is latin1"},
			{"another collation", "collation=utf8mb4_bin", pool.Config{},
				pool.FindingCollation, pool.SeverityInfo, "the connection compares by utf8mb4_bin, the database by utf8mb4_"},
			{"two pools on each other", "", pool.Config{},
				pool.FindingDoublePool, pool.SeverityError, "SetMaxOpenConns is 2, and the callers beyond that wait"},
		} {
			p := openDSN(t, db.Config(), test.params, test.cfg)
			if test.id == pool.FindingDoublePool {
				p.DB().SetMaxOpenConns(2)
			}
			r := examine(t, p, &pool.DoctorOptions{Fleet: quiet})
			f := found(t, r, test.id)
			require.Equal(t, test.severity, f.Severity, test.name)
			require.Contains(t, f.Evidence, test.evidence, test.name)
			require.Equal(t, test.severity >= pool.SeverityWarning, r.Wrong(), "%s: %v", test.name, r)
		}
	})
}

func TestDoctorLooksAtTheDatabaseItself(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		_, err := db.Admin().ExecContext(t.Context(), "ALTER DATABASE "+db.Name()+" CHARACTER SET latin1")
		require.NoError(t, err)
		r := examine(t, openMySQL(t, db, pool.Config{}), nil)
		require.Contains(t, found(t, r, pool.FindingCharset).Evidence, "character_set_database is latin1: ")
	})
}

func TestDoctorWorksWhileThePoolIsExhausted(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		p := openMySQL(t, db, pool.Config{MaxConns: 1, MaxOverflow: -1})
		c := hold(t, p)
		defer c.Close()
		require.NotEmpty(t, examine(t, p, nil).Server)
	})
}

func TestDoctorReportsAnUnreachableDatabase(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		c := db.Config()
		c.User, c.Passwd = "nobody", "hunter2secret"
		r := examine(t, openDSN(t, c, "readTimeout=0s", pool.Config{}), nil)
		require.Contains(t, found(t, r, pool.FindingUnreachable).Evidence, "1045")
		found(t, r, pool.FindingNoReadTimeout) // what needs no server is looked at
		require.Contains(t, r.String(), "Not looked at:\n  the server: its variables, status and connections: it does not answer")
		text, err := json.Marshal(r)
		require.NoError(t, err)
		require.NotContains(t, r.String()+string(text), "hunter2secret")
	})
}

func TestDoctorOfAForeignDB(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		foreign, err := sql.Open("mysql", db.DSN())
		require.NoError(t, err)
		defer foreign.Close()
		borrow(t, foreign, 30)

		cfg := pool.Config{DSN: db.DSN(), MaxConns: 4, MaxOverflow: -1}
		r, err := pool.Doctor(t.Context(), foreign, cfg, &pool.DoctorOptions{Fleet: quiet})
		require.NoError(t, err)
		found(t, r, pool.FindingUnbounded)
		found(t, r, pool.FindingNoReadTimeout) // the driver's default, not ours
		require.Contains(t, found(t, r, pool.FindingChurn).Evidence, "28 connections were closed right after use")
		require.Contains(t, r.Server, db.Version())
		require.NotEmpty(t, r.Clients)

		pool.Apply(foreign, cfg)
		r, err = pool.Doctor(t.Context(), foreign, cfg, &pool.DoctorOptions{Fleet: pool.Budget{MaxConnections: 20, Instances: 10}})
		require.NoError(t, err)
		found(t, r, pool.FindingFleet)
		for _, f := range r.Findings {
			require.NotEqual(t, pool.FindingUnbounded, f.ID)
		}
	})
}

func TestDoctorSaysWhatItCannotDo(t *testing.T) {
	t.Parallel()
	p := fake(t, new(pooltest.Server), pool.Config{})
	r := examine(t, p, &pool.DoctorOptions{Outside: true})
	require.Empty(t, r.Findings)
	require.False(t, r.Wrong())
	require.Len(t, r.Omissions, 3, "%v", r)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Doctor(ctx, nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = p.Doctor(within(20*time.Millisecond), &pool.DoctorOptions{Sample: time.Hour})
	require.ErrorIs(t, err, context.DeadlineExceeded)

	require.NoError(t, p.Shutdown(t.Context()))
	_, err = p.Doctor(t.Context(), nil)
	require.ErrorIs(t, err, pool.ErrClosed)

	_, err = pool.Doctor(t.Context(), plain(t, new(pooltest.Server)), pool.Config{DSN: "mysql://app:hunter2secret@db:port/shop"}, nil)
	require.ErrorContains(t, err, "port")
	require.NotContains(t, err.Error(), "hunter2secret")
}

func TestReportIsReadAgainFromJSON(t *testing.T) {
	t.Parallel()
	r := examine(t, fake(t, new(pooltest.Server), pool.Config{}), &pool.DoctorOptions{Outside: true})
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(text), `"findings":[]`)
	r.Findings = append(r.Findings, pool.Finding{ID: pool.FindingChurn, Severity: pool.SeverityWarning})
	text, err = json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(text), `"severity":"warning"`)
	var again pool.Report
	require.NoError(t, json.Unmarshal(text, &again))
	r.At = again.At // without its monotonic part
	require.Equal(t, r, again)
	require.Error(t, new(pool.Severity).UnmarshalText([]byte("awful")))
}

// The doctor says what is wrong, why it thinks so, and what to do.
func ExamplePool_Doctor() {
	ctx := context.Background()
	p, _ := pool.Open(ctx, pool.Config{
		Connector: new(pooltest.Server).Connector(), // in real life: DSN: os.Getenv("DATABASE_URL")
	})
	defer p.Shutdown(ctx)
	p.DB().SetMaxOpenConns(5) // by habit

	report, err := p.Doctor(ctx, &pool.DoctorOptions{Fleet: pool.Budget{Instances: 3}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range report.Findings {
		fmt.Println(f.Severity, f.ID)
		fmt.Println(f.Fix)
	}
	// Output:
	// error double-pool
	// do not call SetMaxOpenConns or pool.Apply on Pool.DB(), nor let a framework do it; set the Config
}
