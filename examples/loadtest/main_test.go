package main

import (
	"bytes"
	"context"
	"database/sql"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
	"github.com/productkit-go/productkit/product/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served is a catalogue on SQLite, its URL, and what is to be sent as the key.
func served(t *testing.T) (*product.Service, string) {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	t.Cleanup(func() { _ = db.Close() })
	require.NoError(t, sqlstore.Migrate(t.Context(), db, nil))
	store, err := sqlstore.New(t.Context(), db, nil)
	require.NoError(t, err)
	svc := storetest.NewService(t, store, nil)
	h, err := httpapi.NewHandler(svc, &httpapi.Options{Prefix: "/v1", Authorize: func(r *http.Request, _ httpapi.Operation) (string, error) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			return "", httpapi.ErrUnauthenticated
		}
		return "loadtest", nil
	}})
	require.NoError(t, err)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return svc, server.URL + "/v1"
}

func outcome(ctx context.Context, key string, args ...string) (code int, out, errOut string) {
	var stdout, stderr bytes.Buffer
	code = run(ctx, args, key, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestACatalogueIsLoadedWithTheMixAndReported(t *testing.T) {
	t.Parallel()
	svc, url := served(t)
	plot := filepath.Join(t.TempDir(), "plot.html")
	code, out, errOut := outcome(t.Context(), "secret", "-url", url, "-create", "50", "-rate", "200", "-duration", testscale.N("2s", "1m"), "-plot", plot)
	require.Equal(t, exitWell, code, out+errOut)
	require.Contains(t, errOut, "50 products made")
	require.Regexp(t, `(?m)^\d+ answers, 100\.00 % ok, median .*, p99 .*; \d+ in all$`, errOut)
	answers := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^\s*(get|list|stock|all)\s+(\d+)\s+100\.00 %`).FindAllStringSubmatch(out, -1) {
		answers[m[1]], _ = strconv.Atoi(m[2])
	}
	all := testscale.N(400, 12_000)
	require.InDelta(t, all, answers["all"], float64(all)/50)
	require.InDelta(t, 0.90, float64(answers["get"])/float64(all), 0.03, out)
	require.InDelta(t, 0.08, float64(answers["list"])/float64(all), 0.02, out)
	require.InDelta(t, 0.02, float64(answers["stock"])/float64(all), 0.01, out)
	page, err := os.ReadFile(plot)
	require.NoError(t, err)
	require.Contains(t, string(page), "Productkit under load")
	require.NotContains(t, string(page), "src=\"http", "nothing is loaded from elsewhere")

	sum := int64(0)
	for p, err := range svc.All(t.Context(), product.Query{}) {
		require.NoError(t, err)
		stock, err := svc.Stock(t.Context(), p.ID)
		require.NoError(t, err)
		sum += stock.OnHand
	}
	require.InDelta(t, 50*1000, sum, 1, "what was put on stock was taken")
}

func TestWhatCannotBeginSaysWhy(t *testing.T) {
	t.Parallel()
	_, url := served(t)
	for name, c := range map[string]struct {
		args []string
		key  string
		code int
		says string
	}{
		"an empty catalogue": {[]string{"-url", url}, "secret", exitWrong, "-create"},
		"no key":             {[]string{"-url", url}, "", exitWrong, "401"},
		"no URL":             {[]string{"-url", "shop.example"}, "", exitWrong, "no scheme"},
		"no rate":            {[]string{"-rate", "0"}, "", exitUsage, "-rate"},
		"no time":            {[]string{"-duration", "0s"}, "", exitUsage, "-duration"},
		"another kind":       {[]string{"-mix", "get=1,et=1"}, "", exitUsage, "et=1"},
		"nothing at all":     {[]string{"-mix", "get=0"}, "", exitUsage, "above 0"},
		"no flag":            {[]string{"fast"}, "", exitUsage, "fast"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, _, errOut := outcome(t.Context(), c.key, c.args...)
			require.Equal(t, c.code, code, errOut)
			require.Contains(t, errOut, c.says)
		})
	}
}

func TestAnInterruptEndsItWithAReport(t *testing.T) {
	t.Parallel()
	_, url := served(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(1500*time.Millisecond, cancel)
	code, out, errOut := outcome(ctx, "secret", "-url", url, "-create", "1", "-rate", "50", "-duration", "1h", "-mix", "get=1")
	require.Equal(t, exitWell, code, errOut)
	require.Regexp(t, `(?m)^\s*get\s+\d+`, out)
}

// What is below -success is told by the exit code.
func TestTooFewSuccessesFail(t *testing.T) {
	t.Parallel()
	_, url := served(t)
	code, out, errOut := outcome(t.Context(), "secret", "-url", url, "-create", "1", "-duration", "1s", "-mix", "list=1", "-rate", "20", "-success", "100.5")
	require.Equal(t, exitWrong, code)
	require.Contains(t, errOut, "is too little", out)
}
