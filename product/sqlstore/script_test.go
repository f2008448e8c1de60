package sqlstore_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

// Whatever a value holds, the server reads the literal as that value, and as nothing else.
func TestLiteralsAreTheirValues(t *testing.T) {
	t.Parallel()
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	texts := []string{"", "plain", "O'Neill", "''", `\`, `\'; DROP TABLE x; -- `, "'; SELECT 1; --", "a?b", "line\nbreak", "\x00", "Größe 茶 😀", `{"a":"\"b\""}`, "/*", "-- ", strings.Repeat("'\\", 500)}
	for _, mode := range []string{"", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,PIPES_AS_CONCAT"} {
		mysqltest.Each(t, func(t *testing.T, d *mysqltest.Database) {
			e := engine{"mysql", d.DSN()}.with(t, func(c *mysql.Config) { c.Params = map[string]string{"sql_mode": "'" + mode + "'"} })
			db := e.open(t)
			for _, text := range texts {
				query, err := sqlstore.Script("SELECT ?, 1", text)
				require.NoError(t, err)
				var got string
				var one int
				require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&got, &one), query)
				require.Equal(t, text, got)
			}
			query, err := sqlstore.Script("SELECT ?, ?, ?, ?", every, nil, int64(-1<<63), 7)
			require.NoError(t, err)
			var bytes []byte
			var null sql.NullString
			var least, seven int64
			require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&bytes, &null, &least, &seven))
			require.Equal(t, every, bytes)
			require.False(t, null.Valid)
			require.EqualValues(t, -1<<63, least)
			require.EqualValues(t, 7, seven)
		})
	}
}

func TestAScriptTakesAsManyValuesAsPlaceholders(t *testing.T) {
	t.Parallel()
	for _, args := range [][]any{{}, {1}, {1, 2, 3}, {1, 2.5}} {
		_, err := sqlstore.Script("SELECT ?, ?", args...)
		require.Error(t, err)
	}
}

// A row whose literals could be greater than a packet goes as values, in the same transaction.
func TestAGreatRowIsSentByItself(t *testing.T) {
	t.Parallel()
	forEachWay(t, func(t *testing.T, e engine) {
		store := migrated(t, e.open(t), nil)
		small, great := create(t, "A"), create(t, "B")
		great.Draft.Attributes = []byte(`{"a":"` + strings.Repeat("茶", 10_000) + `"}`)
		store.Narrow(100_000)
		made := apply(t, store, small, great, create(t, "C"))
		require.Equal(t, great.Draft.Attributes, findOne(t, store, product.ByID(made[1].ID)).Attributes)
		require.Equal(t, "C", findOne(t, store, product.ByID(made[2].ID)).SKU)
	})
}
