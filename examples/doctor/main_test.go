package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
)

// The tests are in package main because nothing can import it. They run the
// program: it is this test binary with a variable set.
func TestMain(m *testing.M) {
	if os.Getenv("DOCTOR_TEST_RUN") != "" {
		main()
	}
	goleak.VerifyTestMain(mysqltest.Main(m))
}

// doctor runs the program and returns what it wrote and its exit code.
func doctor(t *testing.T, databaseURL string, args ...string) (out, errOut string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "DOCTOR_TEST_RUN=1", "DATABASE_URL="+databaseURL)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		require.True(t, errors.As(err, &exit), "%v", err)
		code = exit.ExitCode()
	}
	return stdout.String(), stderr.String(), code
}

// room is for a fleet of one, so that nothing is wrong.
var room = []string{"-instances", "1", "-surge", "-1", "-max-conns", "1", "-max-overflow", "-1", "-reserved", "-1"}

func TestAHealthyDatabaseIsExitZero(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		out, errOut, code := doctor(t, db.DSN(), room...)
		require.Zero(t, code, out+errOut)
		require.Empty(t, errOut)
		require.Contains(t, out, db.Version())
		require.Contains(t, out, "OPEN  ACTIVE  PROCESSES")
	})
}

func TestWhatIsWrongIsExitOne(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		c := db.Config()
		url := "mysql://" + c.User + ":" + c.Passwd + "@" + db.Addr() + "/" + db.Name() + "?wait_timeout=60"
		out, errOut, code := doctor(t, url, "-json", "-instances", "3000")
		require.Equal(t, 1, code, out+errOut)
		var r pool.Report
		require.NoError(t, json.Unmarshal([]byte(out), &r))
		var ids []string
		for _, f := range r.Findings {
			ids = append(ids, f.ID)
		}
		require.Contains(t, ids, pool.FindingFleet)
		require.Contains(t, ids, pool.FindingLifetime)

		out, _, code = doctor(t, url, "-instances", "3000")
		require.Equal(t, 1, code)
		require.Contains(t, out, "ERROR fleet-exceeds-max-connections\n  3750 processes (3000 and 750 more while deploying)")
	})
}

func TestADatabaseThatIsDownIsExitOne(t *testing.T) {
	t.Parallel()
	out, _, code := doctor(t, "mysql://app:hunter2secret@127.0.0.1:1/shop")
	require.Equal(t, 1, code)
	require.Contains(t, out, "ERROR unreachable")
	require.NotContains(t, out, "hunter2secret")
}

func TestWrongUsageIsExitTwo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, url string
		args      []string
		says      string
	}{
		{"no database", "", nil, "DATABASE_URL is not set; set it to mysql://"},
		{"another scheme", "postgres://app:hunter2secret@db/shop", nil, `scheme "postgres"`},
		{"a malformed URL", "mysql://app:hunter2secret@db:port/shop", nil, "port"},
		{"an unknown flag", "mysql://db/shop", []string{"-yaml"}, "-yaml"},
		{"an argument", "mysql://db/shop", []string{"fast"}, `"fast" is no flag`},
		{"no number", "mysql://db/shop", []string{"-instances", "many"}, "many"},
		{"an unlimited pool", "mysql://db/shop", []string{"-max-conns", "-1"}, "MaxConns"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out, errOut, code := doctor(t, test.url, test.args...)
			require.Equal(t, 2, code)
			require.Empty(t, out)
			require.Contains(t, errOut, test.says)
			require.NotContains(t, errOut, "hunter2secret")
		})
	}
	_, errOut, code := doctor(t, "", "-h")
	require.Zero(t, code)
	require.True(t, strings.Contains(errOut, "-json"))
}
