package sqlstore_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/productkit-go/productkit/product/sqlstore"
)

const (
	killDriver = "SQLSTORE_TEST_DRIVER"
	killDSN    = "SQLSTORE_TEST_DSN"
)

// process returns this test binary as a process that lives the life which TestMain finds in the
// variables, NAME=VALUE, on the engine's database.
func (e engine) process(t testing.TB, variables ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(append(os.Environ(), killDriver+"="+e.driver, killDSN+"="+e.dsn), variables...)
	cmd.Stderr = os.Stderr
	return cmd
}

// kill starts a process, kills it when it has printed so many lines and returns all that it had
// printed.
func (e engine) kill(t testing.TB, after int, variables ...string) ([]string, error) {
	cmd := e.process(t, variables...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var lines []string
	for printed := bufio.NewScanner(out); printed.Scan(); { // what it had printed is still there to read
		lines = append(lines, printed.Text())
		if len(lines) == after {
			err = cmd.Process.Kill()
		}
	}
	var exit *exec.ExitError
	if ended := cmd.Wait(); err == nil && (!errors.As(ended, &exit) || exit.ExitCode() != -1) {
		err = fmt.Errorf("it ended by itself: %v", ended)
	}
	return lines, err
}

// openGiven opens the store that a process was given.
func openGiven(ctx context.Context) (*sqlstore.Store, error) {
	db, err := sql.Open(os.Getenv(killDriver), os.Getenv(killDSN))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	return sqlstore.New(ctx, db, nil)
}
