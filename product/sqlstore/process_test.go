package sqlstore_test

import (
	"context"
	"database/sql"
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

// openGiven opens the store that a process was given.
func openGiven(ctx context.Context) (*sqlstore.Store, error) {
	db, err := sql.Open(os.Getenv(killDriver), os.Getenv(killDSN))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	return sqlstore.New(ctx, db, nil)
}
