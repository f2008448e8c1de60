// Package bench measures examples/server against the server that one would write by hand, side by side
// on one MySQL, with wrk: "make bench-http".
package bench

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

var (
	full     = flag.Bool("full", false, "all measures, with their bars")
	runs     = flag.Int("runs", 5, "take the median of so many runs, with -full")
	products = flag.Int("products", 100_000, "so many, with -full")
	slice    = flag.Duration("slice", 3*time.Second, "how long each run is, with -full")
)

func TestMain(m *testing.M) { os.Exit(mysqltest.Main(m).Run()) }

// contender is a server under load.
type contender struct {
	name, url string
	user      string // of its connections
}

// TestBars prints a line for each measure, "measure byhand ours ratio bar ok|short". With -full it fails
// where one is short; without, it only shows that all of this works.
func TestBars(t *testing.T) {
	if _, err := exec.LookPath("wrk"); err != nil {
		t.Skip("there is no wrk to make load with; install it")
	}
	if !*full {
		*runs, *products, *slice = 1, 300, time.Second
	}
	db := mysqltest.NewOn(t, mysqltest.MySQL)
	ids := seed(t, db, *products)
	byHand := contender{"byhand", launch(t, "./byhand", "LISTEN=%s", "DSN="+grant(t, db, "byhand").FormatDSN()), userOf(db, "byhand")}
	ours := contender{"ours", launch(t, "../../examples/server", "PORT=%s", "POOL_MAX_OVERFLOW=-1", "DATABASE_URL="+grant(t, db, "ours").FormatDSN()), userOf(db, "ours")}
	for _, c := range []contender{byHand, ours} {
		shows(t, c, ids[0])
	}
	list := filepath.Join(t.TempDir(), "ids")
	require.NoError(t, os.WriteFile(list, []byte(strings.Join(ids, "\n")), 0o600))

	fmt.Printf("%-52s %10s %10s %8s %8s\n", "measure", "byhand", "ours", "ratio", "bar")
	for _, m := range measures() {
		if !*full && !m.small {
			continue
		}
		var theirs, own, ratios []float64
		for run := range *runs {
			a, b := m.take(t, db, byHand, list, run), m.take(t, db, ours, list, run)
			theirs, own, ratios = append(theirs, a), append(own, b), append(ratios, b/a)
		}
		ratio := middle(ratios)
		verdict := "ok"
		if m.op == "≥" && ratio < m.bar || m.op == "≤" && ratio > m.bar {
			verdict = "short"
			if *full {
				t.Errorf("%s is short: %.3g, want %s %g", m.name, ratio, m.op, m.bar)
			}
		}
		fmt.Printf("%-52s %10.4g %10.4g %8.3f %8s  %s\n", m.name, middle(theirs), middle(own), ratio, fmt.Sprintf("%s %g", m.op, m.bar), verdict)
	}
	for _, c := range []contender{byHand, ours} {
		shows(t, c, ids[0])
	}
}

func middle(v []float64) float64 { return slices.Sorted(slices.Values(v))[len(v)/2] }

// take runs wrk once and returns requests a second, or the 99th percentile in ms. More than five
// connections, and ours beside them for health, fail it, and so does an answer that is no success.
func (m measure) take(t *testing.T, db *mysqltest.Database, c contender, ids string, run int) float64 {
	t.Helper()
	script := filepath.Join(t.TempDir(), "request.lua")
	text := fmt.Sprintf(`math.randomseed(%d)
ids = {}; for id in io.lines(%q) do ids[#ids + 1] = id end
json = {["Content-Type"] = "application/json"}; n = 0; run = %q
request = function() %s end
`, time.Now().UnixNano(), ids, fmt.Sprintf("%s-%d-%d-%d", c.name, m.clients, run, time.Now().UnixNano()), m.script)
	require.NoError(t, os.WriteFile(script, []byte(text), 0o600))
	watching, done := context.WithCancel(t.Context())
	most := make(chan int)
	go func() {
		seen := 0
		for watching.Err() == nil {
			var n int
			_ = db.Admin().QueryRowContext(watching, "SELECT COUNT(*) FROM information_schema.processlist WHERE user = ?", c.user).Scan(&n)
			seen = max(seen, n)
			time.Sleep(50 * time.Millisecond) // between two looks
		}
		most <- seen
	}()
	out, err := exec.CommandContext(t.Context(), "wrk", "-t", "1", "-c", strconv.Itoa(m.clients), "-d", slice.String(), "--latency", "-s", script, c.url).CombinedOutput()
	done()
	require.LessOrEqual(t, <-most, map[string]int{"byhand": 5, "ours": 6}[c.name], "connections of %s", c.name)
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "Non-2xx", "%s: %s", c.name, m.name)
	require.NotContains(t, string(out), "Socket errors", "%s: %s", c.name, m.name)
	if m.op == "≤" {
		return milliseconds(t, found(t, out, `99%\s+(\S+)`))
	}
	rate, err := strconv.ParseFloat(found(t, out, `Requests/sec:\s+(\S+)`), 64)
	require.NoError(t, err)
	return rate
}

func found(t *testing.T, out []byte, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindSubmatch(out)
	require.NotNil(t, m, "%s", out)
	return string(m[1])
}

func milliseconds(t *testing.T, text string) float64 {
	t.Helper()
	d, err := time.ParseDuration(text)
	require.NoError(t, err)
	return float64(d) / 1e6
}

// seed makes products for both and returns their IDs.
func seed(t *testing.T, db *mysqltest.Database, n int) (ids []string) {
	t.Helper()
	own, err := sql.Open("mysql", db.DSN())
	require.NoError(t, err)
	t.Cleanup(func() { _ = own.Close() })
	require.NoError(t, sqlstore.Migrate(t.Context(), own, nil))
	store, err := sqlstore.New(t.Context(), own, nil)
	require.NoError(t, err)
	svc := product.NewService(store, nil)
	defer func() { _ = svc.Close(t.Context()) }()
	var ops []product.Operation
	for i := range n {
		ops = append(ops, product.Create{Draft: product.Draft{Stock: new(int64(product.MaxQuantity / 2)), Product: product.Product{
			SKU: fmt.Sprintf("S-%d", i), Name: fmt.Sprintf("A lamp for the table, number %d", i), Status: product.StatusActive,
			Description: "It stands on three legs, takes bulbs of up to 40 W, and has a switch in its cord.",
			Price:       product.Money{Amount: int64(100 + i%5000), Currency: "EUR"}, Category: fmt.Sprintf("apparel/%d", i%20),
			Tags: []string{"men", "new"}, Vendor: "Acme"}}})
	}
	for part := range slices.Chunk(ops, product.MaxBatch) {
		outcomes, err := svc.Batch(t.Context(), part)
		require.NoError(t, err)
		for _, o := range outcomes {
			require.NoError(t, o.Err)
			ids = append(ids, o.Product.ID.String())
		}
	}
	for _, statement := range []string{
		`CREATE TABLE byhand (id BINARY(16) PRIMARY KEY, sku VARCHAR(64) NOT NULL UNIQUE, name VARCHAR(255) NOT NULL, description TEXT NOT NULL,
			status VARCHAR(16) NOT NULL, price BIGINT NOT NULL, currency CHAR(3) NOT NULL, backorder TINYINT NOT NULL, category VARCHAR(255) NOT NULL,
			tags TEXT NOT NULL, vendor VARCHAR(255) NOT NULL, version BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
			stock BIGINT NOT NULL, KEY by_category (category, id))`,
		`INSERT INTO byhand SELECT id, sku, name, description, status, price, currency, backorder, category, tags, vendor, version, created_at, updated_at,
			4503599627370495 FROM productkit_products`,
		`ANALYZE TABLE byhand, productkit_products`,
	} {
		_, err := own.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	return ids
}

func userOf(db *mysqltest.Database, name string) string {
	_, suffix, _ := strings.Cut(db.Name(), "_test_")
	return name + suffix[max(0, len(suffix)-20):]
}

// grant makes a user who can be told from others in the process list.
func grant(t *testing.T, db *mysqltest.Database, name string) *mysql.Config {
	t.Helper()
	user := userOf(db, name)
	for _, statement := range []string{
		fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY 'secret'", user),
		fmt.Sprintf("GRANT ALL ON `%s`.* TO '%s'@'%%'", db.Name(), user),
	} {
		_, err := db.Admin().ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		_, err := db.Admin().ExecContext(context.Background(), fmt.Sprintf("DROP USER '%s'@'%%'", user))
		require.NoError(t, err)
	})
	c := db.Config()
	c.User, c.Passwd = user, "secret"
	return c
}

// launch builds a program and runs it until the test's end. It returns its URL when it answers.
func launch(t *testing.T, dir, listen string, env ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = dir
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	port := free(t)
	address := "127.0.0.1:" + port
	listen = fmt.Sprintf(listen, map[bool]string{true: port, false: address}[strings.HasPrefix(listen, "PORT")])
	cmd := exec.Command(program)
	cmd.Env = append([]string{"HOME=" + t.TempDir(), listen}, env...)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	url := "http://" + address
	require.Eventually(t, func() bool {
		res, err := http.Get(url + "/v1/products/" + uuid.Nil.String())
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusNotFound
	}, time.Minute, 50*time.Millisecond, dir)
	return url
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// shows holds an answer against the content that it must have, whoever gives it.
func shows(t *testing.T, c contender, id string) {
	t.Helper()
	res, err := http.Get(c.url + "/v1/products/" + id)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	for _, part := range []string{`"id":"` + id + `"`, `"name":"A lamp for the table, number 0"`, `"price":{"amount":100,"currency":"EUR"}`, `"category":"apparel/0"`, `"tags":["men","new"]`} {
		require.Contains(t, string(body), part, c.name)
	}
}
