package httpapi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/httpapi/mounttest"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

// Package compat beside this one mounts the handler on the routers of others.
func TestMounting(t *testing.T) {
	t.Parallel()
	under := func(pattern string, wrap func(http.Handler) http.Handler) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle(pattern, wrap(h))
			mux.HandleFunc("GET /mine", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
			return mux
		}
	}
	as := func(h http.Handler) http.Handler { return h }
	strip := func(prefix string) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler { return http.StripPrefix(prefix, h) }
	}
	for _, c := range []struct {
		name, prefix, seen string
		mount              func(http.Handler) http.Handler
		tenant             string
	}{
		{"bare", "", "", as, ""},
		{"bare with prefix", "/v1", "/v1", as, ""},
		{"bare, but stripped by a proxy", "/v1", "", as, ""},
		{"under its prefix", "/v1", "/v1", under("/v1/", as), ""},
		{"under a longer prefix", "/shop/api/v1", "/shop/api/v1", under("/shop/", as), ""},
		{"prefix stripped", "/v1", "/v1", under("/v1/", strip("/v1")), ""},
		{"nested, outer part stripped", "/v1", "/shop/v1", under("/shop/", strip("/shop")), ""},
		{"nested, all stripped", "/v1", "/shop/v1", under("/shop/v1/", strip("/shop/v1")), ""},
		{"no prefix, stripped", "", "/catalogue", under("/catalogue/", strip("/catalogue")), ""},
		{"under a prefix with a tenant", "/shops/{tenant}/v1", "/shops/a%2Fb/v1", under("/shops/{tenant}/v1/", as), "a/b"},
		{"nothing but a tenant", "/{tenant}", "/acme", as, "acme"},
		{"tenant stripped by the host", "/v1", "/acme/v1", under("/{id}/v1/", func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.StripPrefix("/"+r.PathValue("id"), h).ServeHTTP(w, r)
			})
		}), ""},
		{"every method by itself", "/v1", "/v1", func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
				mux.Handle(method+" /v1/", h)
			}
			return mux
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			svc := product.NewService(sqliteStore(t), nil)
			t.Cleanup(func() { _ = svc.Close(t.Context()) })
			h, err := httpapi.NewHandler(svc, &httpapi.Options{Prefix: c.prefix})
			require.NoError(t, err)
			var tenants sync.Map // by r.Pattern
			api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(w, r)
				tenants.Store(r.Pattern, r.PathValue("tenant"))
			})
			outside := &tape{}
			mounttest.Run(t, api, c.seen, func(api http.Handler) http.Handler { return outside.of(c.mount(api)) }, nil)
			outside.check(t, c.seen)
			for _, op := range httpapi.Operations() {
				tenant, ok := tenants.Load(op.Method + " " + c.prefix + op.Path)
				require.True(t, ok, op.ID)
				require.Equal(t, c.tenant, tenant)
			}
		})
	}
}

// What holds for every mount holds for every engine.
func TestMountingOnEveryEngine(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, a *api) {
		h, err := httpapi.NewHandler(a.svc, &httpapi.Options{Prefix: "/v1"})
		require.NoError(t, err)
		outside := &tape{}
		mounttest.Run(t, h, "/v1", outside.of, nil)
		outside.check(t, "/v1")
	})
}

// tape keeps the exchanges that pass it.
type tape struct {
	mu        sync.Mutex
	exchanges []exchange
}

type exchange struct {
	sent     *http.Request
	body     []byte
	answered *taped
}

func (k *tape) of(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := exchange{sent: r.Clone(context.Background()), answered: &taped{ResponseWriter: w, status: http.StatusOK}}
		if isJSON(r.Header) {
			e.body, _ = io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(e.body))
		}
		next.ServeHTTP(e.answered, r)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.exchanges = append(k.exchanges, e)
	})
}

// check holds all that has passed against the contract, which a client finds under path.
func (k *tape) check(t *testing.T, path string) {
	t.Helper()
	require.NotEmpty(t, k.exchanges)
	for _, e := range k.exchanges {
		if e.answered.status == http.StatusTemporaryRedirect {
			continue // of a path that http.ServeMux cleans
		}
		e.sent.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(e.body)), nil }
		theContract().check(e.sent, path, answer{t: t, status: e.answered.status, header: e.answered.Header(), body: e.answered.body.Bytes()})
	}
}

type taped struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (w *taped) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *taped) Write(p []byte) (int, error) {
	w.body.Write(p)
	return w.ResponseWriter.Write(p)
}

func (w *taped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// The patterns of http.ServeMux are what this package is made of.
func TestServeMuxOfGo121IsRefused(t *testing.T) {
	t.Parallel()
	if os.Getenv("GODEBUG") == "httpmuxgo121=1" {
		_, err := httpapi.NewHandler(product.NewService(sqliteStore(t), nil), nil)
		require.ErrorContains(t, err, "GODEBUG=httpmuxgo121=1")
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServeMuxOfGo121IsRefused$", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=httpmuxgo121=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS")
}

// hidden is the ResponseWriter of a middleware that can neither be unwrapped nor flushed.
type hidden struct{ http.ResponseWriter }

// flushing is one that can be flushed only.
type flushing struct{ hidden }

func (w flushing) Flush() { w.ResponseWriter.(http.Flusher).Flush() }

// Without full duplex the server reads the rest of the body away when the first event is sent.
func TestImportIsWholeWithoutFullDuplex(t *testing.T) {
	t.Parallel()
	csv := header
	for i := range 300 {
		csv += fmt.Sprintf("bad-%d,Bad,-1.00,B%d,\n", i, i) // events enough to fill the server's buffer
	}
	for i := range 2000 {
		csv += fmt.Sprintf("good-%d,Good,1.00,G%d,%s\n", i, i, strings.Repeat("x", 1<<10)) // more than the server would read away
	}
	for name, wrap := range map[string]func(http.ResponseWriter) http.ResponseWriter{
		"neither":    func(w http.ResponseWriter) http.ResponseWriter { return hidden{w} },
		"flush only": func(w http.ResponseWriter) http.ResponseWriter { return flushing{hidden{w}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := product.NewService(sqliteStore(t), nil)
			t.Cleanup(func() { _ = svc.Close(t.Context()) })
			h, err := httpapi.NewHandler(svc, nil)
			require.NoError(t, err)
			a := serve(t, svc, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(wrap(w), r) }), "")
			req, err := http.NewRequestWithContext(t.Context(), "POST", a.url+importPath, struct{ io.Reader }{strings.NewReader(csv)}) // of unknown length
			require.NoError(t, err)
			req.Header.Set("Content-Type", "text/csv")
			lines := strings.Split(strings.TrimSpace(string(a.send(req).is(200).body)), "\n")
			last := event(t, []byte(lines[len(lines)-1]))
			require.Equal(t, feed.EventSummary, last.Kind)
			require.True(t, *last.Complete)
			require.Equal(t, []int64{2000, 300}, []int64{last.Created, last.Refused})
			require.Equal(t, 300, strings.Count(strings.Join(lines, ""), `"event":"refused"`))
		})
	}
}

func TestStreamsAreRefusedWhereTheyCannotBeFlushed(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	svc := product.NewService(sqliteStore(t), nil)
	t.Cleanup(func() { _ = svc.Close(t.Context()) })
	h, err := httpapi.NewHandler(svc, &httpapi.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	a := serve(t, svc, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(pretending{logged{hidden{w}}}, r)
	}), "")
	p := a.do("GET", "/changes", "", "Accept", "text/event-stream").fails(406, "not-acceptable")
	require.Contains(t, p.Detail, "wait=30s")
	require.Contains(t, log.String(), "httpapi_test.pretending")
	require.Empty(t, a.changes("?wait=1ms").Items)
}

// pretending offers Flush above a writer that has none, as gin's and echo's do.
type pretending struct{ logged }

func (w pretending) Flush() {}
