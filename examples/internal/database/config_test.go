package database

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A new file is turned to WAL by the first connection, meanwhile others would find it locked.
func TestANewFileTakesSeveralConnectionsAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 50 {
		d, err := Open(t.Context(), Config{File: filepath.Join(dir, fmt.Sprint(i))}, "test", slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				conn, err := d.DB.Conn(t.Context())
				if err == nil {
					_, err = conn.ExecContext(t.Context(), "SELECT 1")
				}
				if err != nil {
					t.Error(err)
					return
				}
				if err := conn.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.NoError(t, d.Close(t.Context()))
	}
}

func TestConnectionsTakeSeveralStatementsUnlessTheURLSaysOtherwise(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"u:p?/w@tcp(db:3306)/shop":                      "u:p?/w@tcp(db:3306)/shop?multiStatements=true",
		"u@tcp(db:3306)/shop?":                          "u@tcp(db:3306)/shop?multiStatements=true",
		"u@tcp(db:3306)/shop?tls=true":                  "u@tcp(db:3306)/shop?tls=true&multiStatements=true",
		"u@tcp(db:3306)/shop?multiStatements=false":     "u@tcp(db:3306)/shop?multiStatements=false",
		"mysql://u:p@db:3306/shop":                      "mysql://u:p@db:3306/shop?multiStatements=true",
		"mysql://u:p@db/shop?ssl_ca=/etc/ca.pem":        "mysql://u:p@db/shop?ssl_ca=/etc/ca.pem&multiStatements=true",
		"mysql+aiomysql://u@db/shop?multiStatements=no": "mysql+aiomysql://u@db/shop?multiStatements=no",
	} {
		require.Equal(t, want, together(url))
	}
}
