package pool_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/pool"
)

func TestParseDSNTakesTheDriversFormAndURLs(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"app:hunter2/secret@tcp(db:3307)/shop":                     "app@tcp(db:3307)/shop",
		"app@unix(/run/mysqld.sock)/shop":                          "app@unix(/run/mysqld.sock)/shop",
		"/shop":                                                    "@tcp(127.0.0.1:3306)/shop",
		"mysql://app:p@db:3307/shop":                               "app@tcp(db:3307)/shop",
		"mysql+aiomysql://app:p@db/shop?charset=utf8mb4":           "app@tcp(db:3306)/shop",
		"mysql+pymysql://a%40b:p%2F%3A%40@db/shop":                 "a@b@tcp(db:3306)/shop",
		"mysql://app:p@w@db/shop":                                  "app@tcp(db:3306)/shop",
		"mysql://[::1]:3307/shop%20two":                            "@tcp([::1]:3307)/shop two",
		"mysql://app@/shop?unix_socket=/run/mysqld.sock":           "app@unix(/run/mysqld.sock)/shop",
		"mysql://app@db/shop?ssl_mode=required&connect_timeout=3":  "app@tcp(db:3306)/shop",
		"mysql://app@db/shop?parseTime=true&loc=Europe%2FBerlin":   "app@tcp(db:3306)/shop",
		"mysql://app@db/shop?sql_mode=%27ANSI%27&local_infile=0":   "app@tcp(db:3306)/shop",
		"mysql://app@db?autocommit=true&use_unicode=1&ssl=false":   "app@tcp(db:3306)/",
		"mysql://app@db/shop?charset=gbk&interpolateParams=false&": "app@tcp(db:3306)/shop",
	} {
		d, err := pool.ParseDSN(dsn)
		require.NoError(t, err, dsn)
		require.Equal(t, want, d.String())
	}
}

func TestParseDSNSetsWhatIsLeftOpen(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string][]string{
		"u@tcp(db)/d": {"parseTime=true", "charset=utf8mb4", "interpolateParams=true", "readTimeout=30m0s", "writeTimeout=30s", "time_zone=%27%2B00%3A00%27"},
		"u@tcp(db)/d?parseTime=false&readTimeout=5s": {"!parseTime", "readTimeout=5s"},
		"u@tcp(db)/d?readTimeout=0s":                 {"!readTimeout"},
		"u@tcp(db)/d?charset=gbk":                    {"charset=gbk", "!interpolateParams"},
		"u@tcp(db)/d?collation=gbk_chinese_ci":       {"!interpolateParams"},
		"u@tcp(db)/d?charset=utf8mb4,utf8":           {"interpolateParams=true"},
		"u@tcp(db)/d?loc=Local":                      {"!time_zone"},
		"u@tcp(db)/d?clientFoundRows=true":           {"clientFoundRows=true"},
		"mysql://db/d":                               {"!clientFoundRows", "parseTime=true"},
		"mysql://db/d?ssl=1":                         {},
		"mysql://db/d?connect_timeout=2.5":           {"timeout=2.5s"},
		"mysql://db/d?read_timeout=60":               {"readTimeout=1m0s"},
	} {
		d, err := pool.ParseDSN(dsn)
		require.NoError(t, err, dsn)
		got := pool.DriverDSN(d)
		for _, w := range want {
			if name, not := strings.CutPrefix(w, "!"); not {
				require.NotContains(t, got, name, dsn)
			} else {
				require.Contains(t, got, w, dsn)
			}
		}
	}
}

func TestParseDSNRefusesWithARemedyAndWithoutThePassword(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"app:hunter2secret":                                  "no '/'",
		"app:hunter2secret/shop":                             "cannot be read",
		"app:hunter2secret@tcp(db:3306/shop":                 "cannot be read",
		"app:hunter2secret@tcp(db)/shop?parseTime=perhaps":   "perhaps",
		"app:hunter2secret@tcp(db)/shop?strict=true":         "sql_mode",
		"app:hunter2secret@tcp(db)/shop?charset":             "charset has no value",
		"app:hunter2secret@tcp(db)/shop?tls=unheardof":       "unheardof",
		"app:hunter2secret@tcp(db)/shop?a%20b=1":             "no name of a system variable",
		"postgres://app:hunter2secret@db/shop":               `scheme "postgres"`,
		"mysql://app:hunter2/secret@db/shop":                 "percent-encode",
		"mysql://app:hunter2?secret@db/shop":                 "percent-encode",
		"mysql://app:hunter2#secret@db/shop":                 "percent-encode",
		"mysql://app:hunter2%secret@db/shop":                 "%25",
		"mysql://app:hunter2secret@db:port/shop":             "port",
		"mysql://app:hunter2secret@db:0/shop":                "port",
		"mysql://app:hunter2secret@db/a/b":                   "database name",
		"mysql://app:hunter2secret@db/d?ssl=maybe":           "ssl",
		"mysql://app:hunter2secret@db/d?ssl_mode=STRICT":     "VERIFY_IDENTITY",
		"mysql://app:hunter2secret@db/d?ssl_ca=/no/such.pem": "ssl_ca",
		"mysql://app:hunter2secret@db/d?autocommit=false":    "autocommit",
		"mysql://app:hunter2secret@db/d?connect_timeout=x":   "seconds",
		"mysql://app:hunter2secret@db/d?max_size=many":       "max_size",
		"mysql://app:hunter2secret@db/d?parseTime=perhaps":   "perhaps",
	} {
		_, err := pool.ParseDSN(dsn)
		require.ErrorContains(t, err, want, dsn)
		require.NotContains(t, err.Error(), "hunter2", dsn)
		require.NotContains(t, err.Error(), "secret", dsn)
		require.ErrorContains(t, pool.Config{DSN: dsn}.Validate(), want)
	}
}

func TestURLCarriesThePythonPoolSizes(t *testing.T) {
	t.Parallel()
	cfg := pool.Config{DSN: "mysql://db/d?min_size=2&max_size=7&pool_recycle=600"}.WithDefaults()
	require.Equal(t, 2, cfg.MinConns)
	require.Equal(t, 7, cfg.MaxConns)
	require.Equal(t, 10*time.Minute, cfg.MaxLifetime)
	cfg = pool.Config{DSN: "mysql://db/d?max_size=7&pool_recycle=-1", MaxConns: 3}.WithDefaults()
	require.Equal(t, 3, cfg.MaxConns, "Config wins")
	require.Equal(t, time.Duration(-1), cfg.MaxLifetime)
}

func TestConfigNeverShowsThePassword(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	for _, dsn := range []string{"app:hunter2@tcp(db)/shop", "mysql://app:hunter2@db/shop", "app:hunter2"} {
		cfg := pool.Config{DSN: dsn}
		fmt.Fprintf(&log, "%v %+v %#v %s", cfg, cfg, cfg, cfg)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("config", "cfg", cfg)
		slog.New(slog.NewTextHandler(&log, nil)).Info("config", "cfg", cfg)
	}
	require.NotContains(t, log.String(), "hunter2")
	require.Contains(t, log.String(), "app@tcp(db:3306)/shop")
}

func TestValidateReportsEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	err := pool.Config{
		MaxConns: -1, LifetimeJitter: 1.5, PingTimeout: -1, ConnectTimeout: -1,
		Attributes: map[string]string{"a:b": "x", "c": "1,2"},
	}.Validate()
	for _, name := range []string{"DSN", "MaxConns", "LifetimeJitter", "PingTimeout", "ConnectTimeout", `"a:b"`, `Attributes["c"]`} {
		require.ErrorContains(t, err, name)
	}
	require.ErrorContains(t, pool.Config{DSN: "/d", MinConns: 9}.Validate(), "MinConns is 9, above MaxConns 5")
	require.NoError(t, pool.Config{DSN: "/d"}.Validate())
}

func FuzzParseDSN(f *testing.F) {
	f.Add("tcp(db:3306)/shop?parseTime=true", "")
	f.Add("db:3306/shop?ssl=true", "mysql://")
	f.Add("", "mysql+aiomysql://")
	f.Add("tcp(db/shop?loc=X/Y", "")
	f.Add("x/d?strict=1", "")
	f.Fuzz(func(t *testing.T, rest, scheme string) {
		dsn := scheme + "app:hunter2secret@" + rest
		d, err := pool.ParseDSN(dsn)
		if err != nil {
			require.NotContains(t, err.Error(), "hunter2secret")
			return
		}
		_ = d.String()
	})
}
