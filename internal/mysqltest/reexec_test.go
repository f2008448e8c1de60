package mysqltest_test

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
)

// helperVariable makes this test binary do one thing in another process; see [helpers].
const helperVariable = "MYSQLTEST_TEST_HELPER"

// made is what a helper reports before it ends.
type made struct {
	Name, Flavor, Addr, Container string
}

// helpers run in a process of their own, whose environment and end the tests choose.
var helpers = map[string]func(t *testing.T) made{
	"local": func(t *testing.T) made {
		s := mysqltest.StartFrom(t, mysqltest.Local, mysqltest.Options{Flavor: mysqltest.MariaDB}, helperVariable)
		return made{Addr: s.Addr()}
	},
	"docker": func(t *testing.T) made {
		s := mysqltest.StartFrom(t, mysqltest.Docker, mysqltest.Options{Flavor: mysqltest.MariaDB}, helperVariable)
		return made{Addr: s.Addr(), Container: s.ContainerID()}
	},
	"database": func(t *testing.T) made {
		db := mysqltest.New(t)
		_, err := db.DB().Exec("CREATE TABLE t (id INT PRIMARY KEY)")
		require.NoError(t, err)
		return made{Name: db.Name(), Flavor: string(db.Flavor()), Addr: db.Addr()}
	},
	"mysql": func(t *testing.T) made {
		return made{Name: mysqltest.NewOn(t, mysqltest.MySQL).Name()}
	},
}

// endings are the ways in which a process ends without running its cleanups, and the ordinary one.
var endings = map[string]func(){
	"panic":  func() { go panic("the helper panics in another goroutine") },
	"exit":   func() { os.Exit(3) },
	"kill":   func() { p, _ := os.FindProcess(os.Getpid()); _ = p.Kill() },
	"return": nil,
}

func TestHelper(t *testing.T) {
	helper, ending, ok := strings.Cut(os.Getenv(helperVariable), " ")
	if !ok {
		return // an ordinary run of the tests
	}
	require.NoError(t, json.NewEncoder(os.Stdout).Encode(helpers[helper](t)))
	if end := endings[ending]; end != nil {
		end()
		time.Sleep(time.Minute) // the end comes from elsewhere
	}
}

// reexec runs a helper in a process of its own and returns what it made, its output and whether it
// passed.
func reexec(t *testing.T, helper, ending string, env ...string) (m made, output string, passed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelper$", "-test.v", "-test.timeout=3m")
	ours := func(v string) bool {
		return strings.HasPrefix(v, "TEST_DATABASE_URL=") || strings.HasPrefix(v, "REQUIRE_MYSQL=")
	}
	cmd.Env = append(slices.DeleteFunc(os.Environ(), ours), helperVariable+"="+helper+" "+ending)
	cmd.Env = append(cmd.Env, env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "{") {
			require.NoError(t, json.Unmarshal([]byte(line), &m))
		}
	}
	return m, out.String(), err == nil
}

// skipWithout skips the test if the helper found no server to start, unless the environment
// variable of that name is "1".
func skipWithout(t *testing.T, output, variable string) {
	t.Helper()
	if strings.Contains(output, "--- SKIP") && os.Getenv(variable) != "1" {
		t.Skip("the helper found no server to start")
	}
}

const removalTimeout = 20 * time.Second

func TestNothingOutlivesAProcessThatDies(t *testing.T) {
	t.Parallel()
	for _, ending := range []string{"panic", "exit", "kill", "return"} {
		t.Run("local/"+ending, func(t *testing.T) {
			t.Parallel()
			tmp := t.TempDir()
			m, output, passed := reexec(t, "local", ending, "TMPDIR="+tmp)
			skipWithout(t, output, "REQUIRE_LOCAL")
			require.NotEmpty(t, m.Addr, output)
			require.Equal(t, ending == "return", passed, output)
			require.Eventually(t, func() bool {
				left, err := os.ReadDir(tmp)
				return err == nil && len(left) == 0 && !listening(m.Addr)
			}, removalTimeout, 20*time.Millisecond)
		})
		t.Run("docker/"+ending, func(t *testing.T) {
			t.Parallel()
			m, output, passed := reexec(t, "docker", ending)
			skipWithout(t, output, "REQUIRE_DOCKER")
			require.NotEmpty(t, m.Container, output)
			require.Equal(t, ending == "return", passed, output)
			require.Eventually(t, func() bool {
				exists, err := mysqltest.ContainerExists(m.Container)
				return err == nil && !exists && !listening(m.Addr)
			}, removalTimeout, 20*time.Millisecond)
		})
		t.Run("database/"+ending, func(t *testing.T) {
			t.Parallel()
			mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
				m, output, passed := reexec(t, "database", ending, databaseURL(db))
				require.NotEmpty(t, m.Name, output)
				require.Equal(t, ending == "return", passed, output)
				require.Equal(t, db.Addr(), m.Addr)
				require.Eventually(t, func() bool { return !exists(t, db, m.Name) }, removalTimeout, 20*time.Millisecond)
			})
		})
	}
}

func TestNamedServers(t *testing.T) {
	t.Parallel()
	maria := mysqltest.NewOn(t, mysqltest.MariaDB)

	t.Run("of one flavour serve New", func(t *testing.T) {
		t.Parallel()
		m, output, passed := reexec(t, "database", "return", databaseURL(maria))
		require.True(t, passed, output)
		require.Equal(t, "mariadb", m.Flavor)
	})
	t.Run("skip the tests of the other flavour loudly", func(t *testing.T) {
		t.Parallel()
		_, output, passed := reexec(t, "mysql", "return", databaseURL(maria))
		require.True(t, passed, output)
		require.Contains(t, output, "--- SKIP")
		require.Contains(t, output, "NO MYSQL, ITS TESTS ARE SKIPPED")
	})
	for value, passes := range map[string]bool{"1": false, "mysql": false, "mariadb": true, "0": true, "yes": false} {
		t.Run("with REQUIRE_MYSQL="+value, func(t *testing.T) {
			t.Parallel()
			_, output, passed := reexec(t, "mysql", "return", databaseURL(maria), "REQUIRE_MYSQL="+value)
			require.Equal(t, passes, passed, output)
			require.Equal(t, !passes, strings.Contains(output, "REQUIRE_MYSQL is"), output)
		})
	}
	t.Run("that do not answer fail the test and keep their password", func(t *testing.T) {
		t.Parallel()
		_, output, passed := reexec(t, "mysql", "return", "TEST_DATABASE_URL=root:hush@tcp(127.0.0.1:1)/")
		require.False(t, passed)
		require.Contains(t, output, "TEST_DATABASE_URL, server 1: 127.0.0.1:1 does not answer")
		require.NotContains(t, output, "hush")
	})
}

func TestDatabasesOfDeadRunsAreDropped(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		stale := mysqltest.NewName(time.Now().Add(-3 * time.Hour))
		fresh := mysqltest.NewName(time.Now().Add(-time.Hour))
		for _, name := range []string{stale, fresh} {
			_, err := db.Admin().Exec("CREATE DATABASE " + name)
			require.NoError(t, err)
			t.Cleanup(func() { _, _ = db.Admin().Exec("DROP DATABASE IF EXISTS " + name) })
		}
		_, output, passed := reexec(t, "database", "return", databaseURL(db))
		require.True(t, passed, output)
		require.False(t, exists(t, db, stale))
		require.True(t, exists(t, db, fresh))
	})
}

func databaseURL(db *mysqltest.Database) string { return "TEST_DATABASE_URL=" + db.DSN() }

func exists(t *testing.T, db *mysqltest.Database, name string) bool {
	var n int
	err := db.Admin().QueryRow("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = ?", name).Scan(&n)
	require.NoError(t, err)
	return n > 0
}

func listening(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err == nil {
		conn.Close()
	}
	return err == nil
}
