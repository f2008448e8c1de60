package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/examples/internal/environ"
	"github.com/productkit-go/productkit/internal/mysqltest"
)

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// reply is an answer, read.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.body), &v), r.body)
	return v
}

// call sends a request; headers are "Name: value".
func (p *process) call(t *testing.T, method, path, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
	require.NoError(t, err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return reply{res.StatusCode, res.Header, string(b)}
}

// stocked creates a product and returns its ID.
func (p *process) stocked(t *testing.T, onHand int) string {
	t.Helper()
	r := p.call(t, "POST", "/v1/products", fmt.Sprintf(`{"sku":"TEE","name":"T-shirt","price":{"amount":1999,"currency":"EUR"},"stock":%d}`, onHand), "Content-Type: application/json")
	require.Equal(t, 201, r.status, r.body)
	id, _ := r.json(t)["id"].(string)
	return id
}

// ready waits until readiness is what is wanted.
func (p *process) ready(t *testing.T, want int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		// No probe waits for the database, whatever state it is in.
		begun := time.Now()
		status := p.call(t, "GET", "/readyz", "").status
		require.Equal(t, 200, p.call(t, "GET", "/livez", "").status)
		require.Equal(t, 200, p.call(t, "GET", "/", "").status)
		p.call(t, "GET", "/health", "")
		require.Less(t, time.Since(begun), 2*time.Second)
		if status == want {
			return
		}
		require.True(t, time.Now().Before(deadline), "readiness is still %d", status)
	}
}

// importFile imports one of Shopify's sample catalogues and returns the summary.
func (p *process) importFile(t *testing.T, name string) map[string]any {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("..", "..", "product", "feed", "testdata", name))
	require.NoError(t, err)
	r := p.call(t, "POST", "/v1/import?format=shopify&currency=CAD", string(file), "Content-Type: text/csv")
	require.Equal(t, 200, r.status, r.body)
	lines := strings.Split(strings.TrimSpace(r.body), "\n")
	last := reply{body: lines[len(lines)-1]}.json(t)
	require.Equal(t, "summary", last["event"], r.body)
	require.Equal(t, true, last["complete"], r.body)
	return last
}

// list pages through the whole catalogue and returns the products by SKU.
func (p *process) list(t *testing.T, limit int) (products map[string]map[string]any, pages int) {
	t.Helper()
	products = make(map[string]map[string]any)
	for cursor := ""; ; {
		r := p.call(t, "GET", fmt.Sprintf("/v1/products?limit=%d&cursor=%s", limit, url.QueryEscape(cursor)), "")
		if cursor == "" {
			r = p.call(t, "GET", fmt.Sprintf("/v1/products?limit=%d", limit), "")
		}
		require.Equal(t, 200, r.status, r.body)
		page := r.json(t)
		pages++
		for _, item := range page["items"].([]any) {
			product := item.(map[string]any)
			sku := product["sku"].(string)
			require.NotContains(t, products, sku, "each product comes once")
			products[sku] = product
		}
		next, more := page["next_cursor"].(string)
		if !more {
			return products, pages
		}
		cursor = next
	}
}

func TestACatalogueFromImportToRestart(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		testCatalogue(t, "DATA_DIR="+t.TempDir())
	})
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
			c := db.Config()
			at := url.URL{Scheme: "mysql+aiomysql", User: url.UserPassword(c.User, c.Passwd), Host: c.Addr, Path: "/" + c.DBName, RawQuery: "charset=utf8mb4"}
			testCatalogue(t, "DATABASE_URL="+at.String())
		})
	})
}

func testCatalogue(t *testing.T, env string) {
	p := start(t, env)
	p.ready(t, 200)
	for _, path := range []string{"/", "/health", "/livez", "/startupz", "/readyz/database"} {
		require.Equal(t, 200, p.call(t, "GET", path, "").status, path)
	}

	for _, want := range []string{"created", "unchanged"} {
		require.EqualValues(t, 22, p.importFile(t, "apparel.csv")[want])
		require.EqualValues(t, 21, p.importFile(t, "home-and-garden.csv")[want])
	}
	before, pages := p.list(t, 10)
	require.Len(t, before, 22+21)
	require.Equal(t, 5, pages)
	groups := make(map[any]bool)
	for _, product := range before {
		groups[product["group"]] = true
	}
	require.Len(t, groups, 20+20)

	// One by its SKU, changed once and not twice.
	pot := p.call(t, "GET", "/v1/skus/clay-plant-pot.Large", "")
	require.Equal(t, 200, pot.status)
	tag := pot.header.Get("ETag")
	path := "/v1/products/" + pot.json(t)["id"].(string)
	patch := func(body, tag string) reply {
		return p.call(t, "PATCH", path, body, "Content-Type: application/merge-patch+json", "If-Match: "+tag)
	}
	patched := patch(`{"name":"Big Clay Pot"}`, tag)
	require.Equal(t, 200, patched.status, patched.body)
	stale := patch(`{"name":"Lost"}`, tag)
	require.Equal(t, 412, stale.status, stale.body)
	require.Equal(t, "application/problem+json", stale.header.Get("Content-Type"))

	// Three are in stock.
	tag = patched.header.Get("ETag")
	take := func() reply {
		return p.call(t, "POST", path+"/stock", `{"delta":-1,"reason":"order 17"}`, "Content-Type: application/json")
	}
	for left := 2; left >= 0; left-- {
		r := take()
		require.Equal(t, 200, r.status, r.body)
		require.EqualValues(t, left, r.json(t)["available"])
	}
	require.Equal(t, 409, take().status)
	require.Equal(t, tag, p.call(t, "GET", path, "").header.Get("ETag"), "selling leaves the product as it is")

	p.stop(t)
	p = start(t, env)
	after, _ := p.list(t, 200)
	require.Len(t, after, len(before))
	require.Equal(t, "Big Clay Pot", after["clay-plant-pot.Large"]["name"])
	require.Equal(t, tag, p.call(t, "GET", path, "").header.Get("ETag"))
	require.EqualValues(t, 0, p.call(t, "GET", path+"/stock", "").json(t)["available"])
	require.Equal(t, before["cream-sofa"], after["cream-sofa"])
	p.stop(t)
}

func TestStoppingTurnsReadinessRedAndLetsRequestsFinish(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := loadConfig(environ.Vars{"DATA_DIR": dir, "PORT": "0"})
	require.NoError(t, err)
	c.DrainWait = 3 * time.Second // enough to look at readiness on a busy machine
	ctx, stop := context.WithCancel(t.Context())
	banner, out := io.Pipe()
	var log buffer
	served := make(chan error, 1)
	go func() { served <- serve(ctx, c, nil, out, logTo(&log)) }()
	text := make([]byte, 1<<10)
	n, err := banner.Read(text)
	require.NoError(t, err)
	p := &process{url: listensOn.FindStringSubmatch(string(text[:n]))[1]}

	body, upload := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), "POST", p.url+"/v1/import?format=shopify&currency=CAD", body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "text/csv")
	summary := make(chan string, 1)
	go func() {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		res, err := client.Do(req)
		if err != nil {
			summary <- err.Error()
			return
		}
		defer func() { _ = res.Body.Close() }()
		all, _ := io.ReadAll(res.Body)
		summary <- string(all)
	}()
	// What is written has been taken from the pipe, so the request is under way.
	_, err = io.WriteString(upload, "Handle,Title,Variant Price\ntee,T,1\ncap,C,x\n")
	require.NoError(t, err)
	p.ready(t, 200)

	stop()
	p.ready(t, 503)
	require.Equal(t, 200, p.call(t, "GET", "/livez", "").status)
	require.Equal(t, 200, p.call(t, "GET", "/v1/products", "").status, "who does not know yet is served")
	_, err = io.WriteString(upload, "sock,S,3\n")
	require.NoError(t, err)
	require.NoError(t, upload.Close())
	require.Contains(t, <-summary, `"created":2,"updated":0,"unchanged":0,"refused":1`)
	require.NoError(t, <-served)
	require.NoError(t, banner.Close())
}
