package mysqltest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
)

func TestParseURLs(t *testing.T) {
	t.Parallel()
	configs, err := mysqltest.ParseURLs(" root:a@tcp(db:3307)/x?tls=skip-verify  mysql://u%40h:p%2Fw@db/shop?timeout=3s\nmariadb://u@[::1]:3308 ")
	require.NoError(t, err)
	var got []string
	for _, c := range configs {
		got = append(got, c.User+" "+c.Passwd+" "+c.Addr+" "+c.DBName)
	}
	require.Equal(t, []string{"root a db:3307 x", "u@h p/w db:3306 shop", "u  [::1]:3308 "}, got)
	require.Equal(t, "skip-verify", configs[0].TLSConfig)
	require.Equal(t, 3*time.Second, configs[1].Timeout)
}

func TestParseURLsNamesTheFaultButNotThePassword(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ value, fault string }{
		{"root:hush@tcp(db:3306", "server 1: not a DSN"},
		{"root:hush@tcp(db:3306)/ http://u:hush@db/", `server 2: unknown scheme "http"`},
		{"mysql://u:hush@/", "server 1: not a URL"},
		{"mysql://u:hush@db:x/", "server 1: not a URL"},
		{"mysql://u:hush@db/?timeout=soon", `server 1: parameters "timeout=soon"`},
	} {
		_, err := mysqltest.ParseURLs(test.value)
		require.ErrorContains(t, err, test.fault)
		require.NotContains(t, err.Error(), "hush")
	}
}

func TestStaleNames(t *testing.T) {
	t.Parallel()
	now := time.Now()
	require.False(t, mysqltest.IsStale(mysqltest.NewName(now), now))
	require.False(t, mysqltest.IsStale(mysqltest.NewName(now), now.Add(time.Hour)))
	require.True(t, mysqltest.IsStale(mysqltest.NewName(now), now.Add(3*time.Hour)))
	for _, foreign := range []string{"mysql", "productkit", "productkit_test_", "productkit_test_shop_1_1", "shop_1000_1_1"} {
		require.False(t, mysqltest.IsStale(foreign, now), foreign)
	}
}
