package sqlstore_test

import (
	"database/sql"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product/sqlstore"
)

// logged opens a store and returns what it logs.
func logged(t testing.TB, db *sql.DB) (*sqlstore.Store, string) {
	t.Helper()
	var log strings.Builder
	store, err := sqlstore.New(t.Context(), db, &sqlstore.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	return store, log.String()
}

func TestSaysAtTheStartWhatTheServerCanDo(t *testing.T) {
	t.Parallel()
	forEachServer(t, func(t *testing.T, e engine) {
		migrated(t, e.open(t), nil)
		store, log := logged(t, e.open(t))
		require.Contains(t, log, store.Engine().String())
		found := store.Abilities()
		require.Equal(t, store.Engine(), found.Engine)
		require.Equal(t, "utf8mb4", found.Settings["character_set_client"])
		require.NotEmpty(t, found.Settings["max_allowed_packet"])

		readOnly := "transaction_read_only"
		if store.Engine().Dialect == sqlstore.MariaDB {
			readOnly = "tx_read_only"
		}
		for setting, value := range map[string]string{"sql_mode": "''", readOnly: "1"} {
			altered := e.with(t, func(c *mysql.Config) { c.Params = map[string]string{setting: value} })
			store, log := logged(t, altered.open(t))
			require.Contains(t, log, "level=WARN")
			require.Contains(t, log, setting+"=")
			require.Equal(t, 1, strings.Count(log, setting+"="), log)
			names := make([]string, 0, 2)
			for _, f := range store.Abilities().Findings {
				require.False(t, f.Fatal)
				names = append(names, f.Setting)
			}
			require.Contains(t, names, setting)
		}
	})
}

func TestRefusesTablesThatCannotKeepWhatIsPromised(t *testing.T) {
	t.Parallel()
	forEachServer(t, func(t *testing.T, e engine) {
		db := e.open(t)
		migrated(t, db, nil)
		migrated(t, db, &sqlstore.Options{TablePrefix: "other_"})
		for want, statement := range map[string]string{
			"productkit_stock is kept by MyISAM":                         "ALTER TABLE productkit_stock ENGINE=MyISAM",
			"column category of productkit_products has the collation":   "ALTER TABLE productkit_products MODIFY category VARCHAR(255) COLLATE utf8mb4_unicode_ci NOT NULL",
			"column live_sku of productkit_products has the collation a": "ALTER TABLE productkit_products MODIFY live_sku VARCHAR(64) CHARACTER SET ascii COLLATE ascii_general_ci",
		} {
			_, err := db.ExecContext(t.Context(), statement)
			require.NoError(t, err)
			_, err = sqlstore.New(t.Context(), db, nil)
			require.ErrorContains(t, err, want)
			_, err = sqlstore.New(t.Context(), db, &sqlstore.Options{TablePrefix: "other_"})
			require.NoError(t, err)
		}
	})
}

func TestAdvisesOnSettingsOfSQLite(t *testing.T) {
	t.Parallel()
	file := "file:" + filepath.Join(t.TempDir(), "slow.db")
	migrated(t, open(t, "sqlite", file), nil)
	_, log := logged(t, open(t, "sqlite", file+"?_pragma=synchronous(off)&_pragma=query_only(1)"))
	for _, setting := range []string{"journal_mode", "synchronous", "busy_timeout", "query_only"} {
		require.Contains(t, log, setting+"=")
	}
	good := open(t, "sqlite", sqliteDSN(t))
	migrated(t, good, nil)
	_, log = logged(t, good)
	require.Contains(t, log, "the database is sqlite 3.")
	require.NotContains(t, log, "WARN")

	for want, pragma := range map[string]string{"encoding is UTF-16le": "encoding('UTF-16')", "journal_mode is off": "journal_mode(off)"} {
		bad := open(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "bad.db")+"?_pragma="+pragma)
		require.ErrorContains(t, sqlstore.Migrate(t.Context(), bad, nil), want)
		_, err := sqlstore.New(t.Context(), bad, nil)
		require.ErrorContains(t, err, want)
	}
}

// What cannot be set for one connection is judged without a server.
func TestEverySettingThatDoesHarmIsFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		setting, value string
		fatal          bool
		remedy         string
	}{
		{"character_set_client", "latin1", true, "charset=utf8mb4"},
		{"database", "", true, "name one"},
		{"autocommit", "OFF", true, "turn it on"},
		{"sql_select_limit", "1000", true, "DEFAULT"},
		{"binlog_format", "STATEMENT", true, "ROW"},
		{"max_allowed_packet", "1048576", false, "16M"},
		{"sql_mode", "ANSI", false, "STRICT_TRANS_TABLES"},
		{"read_only", "ON", false, "primary"},
		{"super_read_only", "ON", false, "primary"},
		{"innodb_read_only", "ON", false, "primary"},
		{"innodb_flush_log_at_trx_commit", "2", false, "set it to 1"},
		{"wsrep_on", "ON", false, "one node"},
	} {
		settings := map[string]string{
			"character_set_client": "utf8mb4", "database": "shop", "autocommit": "ON", "max_allowed_packet": "67108864",
			"sql_mode": "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION", "sql_select_limit": "18446744073709551615",
			"binlog_format": "ROW", "log_bin": "ON", "sql_log_bin": "ON", "read_only": "OFF", "innodb_flush_log_at_trx_commit": "1",
		}
		engine := sqlstore.Engine{Dialect: sqlstore.MySQL, Version: "8.4.0"}
		require.Empty(t, sqlstore.Judge(engine, settings))
		settings[c.setting] = c.value
		findings := sqlstore.Judge(engine, settings)
		require.Len(t, findings, 1, c.setting)
		require.Equal(t, sqlstore.Finding{Setting: c.setting, Value: c.value, Problem: findings[0].Problem, Fatal: c.fatal}, findings[0])
		require.Contains(t, findings[0].Problem, c.remedy)
	}
	settings := map[string]string{"character_set_client": "utf8mb4", "database": "shop", "autocommit": "ON", "sql_mode": "STRICT_ALL_TABLES"}
	require.Empty(t, sqlstore.Judge(sqlstore.Engine{Dialect: sqlstore.MySQL, Version: "8.0.30"}, settings), "what a server does not have does no harm")
	require.Len(t, sqlstore.Judge(sqlstore.Engine{Dialect: sqlstore.MySQL, Version: "8.0.11-TiDB-v8.5.0"}, settings), 1)
}

func TestOldVersionsAreToldApart(t *testing.T) {
	t.Parallel()
	for version, c := range map[string]struct {
		dialect sqlstore.Dialect
		old     bool
	}{
		"5.7.44-log":                   {sqlstore.MySQL, true},
		"8.0.11":                       {sqlstore.MySQL, false},
		"9.7.4-2":                      {sqlstore.MySQL, false},
		"10.5.28-MariaDB":              {sqlstore.MariaDB, true},
		"10.11.18-MariaDB-0+deb12u1":   {sqlstore.MariaDB, false},
		"11.8.2-MariaDB-ubu2404":       {sqlstore.MariaDB, false},
		"3.36.0":                       {sqlstore.SQLite, true},
		"3.37.0":                       {sqlstore.SQLite, false},
		"a build that counts in words": {sqlstore.SQLite, false},
	} {
		require.Equal(t, c.old, sqlstore.OlderThan(version, c.dialect), version)
	}
}
