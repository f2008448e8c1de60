//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/internal/mysqltest"
)

// commandVariable makes this test binary the command itself.
const commandVariable = "WITH_TEST_COMMAND"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(commandVariable) == "":
	case len(os.Args) == 2 && os.Args[1] == "parent":
		child := exec.Command(os.Args[0], "child")
		child.Stdout = os.Stdout
		_ = child.Run()
		os.Exit(1)
	case len(os.Args) == 2 && os.Args[1] == "child":
		_, _ = os.Stdout.WriteString("started")
		time.Sleep(time.Minute)
		os.Exit(1)
	default:
		main()
	}
	goleak.VerifyTestMain(mysqltest.Main(m))
}

// with starts the command beside the servers of this test, so that it starts none of its own.
func with(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	mysql, mariadb := mysqltest.NewOn(t, mysqltest.MySQL), mysqltest.NewOn(t, mysqltest.MariaDB)
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), commandVariable+"=1", "REQUIRE_MYSQL=0",
		"TEST_DATABASE_URL="+mysql.DSN()+" "+mariadb.DSN())
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	return cmd, &output
}

func TestCommandFindsBothServersAndItsCodeIsKept(t *testing.T) {
	t.Parallel()
	cmd, output := with(t, "sh", "-c", `printf 'url %s\n' $TEST_DATABASE_URL; echo "require $REQUIRE_MYSQL"; exit 7`)
	err := cmd.Run()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, output)
	require.Equal(t, 7, exit.ExitCode(), output)
	require.Contains(t, output.String(), "require 1\n")

	var urls int
	for line := range strings.Lines(output.String()) {
		if dsn, ok := strings.CutPrefix(strings.TrimSpace(line), "url "); ok {
			_, err := mysql.ParseDSN(dsn)
			require.NoError(t, err)
			urls++
		}
	}
	require.Equal(t, 2, urls, output)
}

func TestMissingCommandIsAnError(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 2, "usage"},
		{[]string{"no-such-program"}, 1, "no-such-program"},
	} {
		cmd, output := with(t, test.args...)
		var exit *exec.ExitError
		require.ErrorAs(t, cmd.Run(), &exit)
		require.Equal(t, test.code, exit.ExitCode(), output)
		require.Contains(t, output.String(), test.says)
	}
}

func TestSignalEndsTheCommandAndItsChildren(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			cmd, _ := with(t, os.Args[0], "parent")
			cmd.Stdout = nil
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			_, err = out.Read(make([]byte, 1))
			require.NoError(t, err)

			require.NoError(t, cmd.Process.Signal(signal))
			ended := make(chan error, 1)
			go func() {
				// The end of the pipe means that the child is gone too.
				_, _ = new(bytes.Buffer).ReadFrom(out)
				ended <- cmd.Wait()
			}()
			select {
			case err := <-ended:
				require.Error(t, err)
			case <-time.After(20 * time.Second):
				require.NoError(t, cmd.Process.Kill())
				t.Fatal("the command goes on")
			}
		})
	}
}
