package browsertest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/health"
	"github.com/productkit-go/productkit/httpapi/console"
	"github.com/productkit-go/productkit/pool"
)

func TestOperations(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, func(t *testing.T, s *site) {
		probe, err := health.New(&health.Options{Checks: []health.Check{{Name: "database", Run: s.db.PingContext}}})
		require.NoError(t, err)
		probe.Start()
		t.Cleanup(func() { require.NoError(t, probe.Stop(context.Background())) })
		var requests console.Requests
		opts := console.Options{DB: s.db, Health: probe, Requests: &requests}
		if s.once {
			p, err := pool.Open(t.Context(), pool.Config{DSN: s.dsn, MaxConns: 4})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, p.Shutdown(context.Background())) })
			p.DB().SetMaxOpenConns(2) // of which the doctor warns
			held, err := p.DB().Conn(t.Context())
			require.NoError(t, err)
			t.Cleanup(func() { _ = held.Close() })
			opts.Pool = p
		}
		var served server
		served.start(t, s, opts)
		for i := range 500 {
			requests.Observe("GET /v1/products/{id}", 200, time.Duration(i%40+1)*time.Millisecond)
			requests.Observe("POST /v1/products", []int{201, 201, 503}[i%3], time.Duration(i%90+5)*time.Millisecond)
		}
		b := s.at(&served).open(t, "/operations")
		b.reads("GET /v1/products/{id}")
		b.reads("Health: ready")
		require.Greater(t, eval[int](b, `[...document.querySelectorAll("path.line")].filter(p => p.getAttribute("d").includes("L")).length`), 5)
		if s.once {
			b.reads("double-pool")
			b.reads("operations_test.go:")
			require.Equal(t, 1, eval[int](b, `document.querySelectorAll("#holders tbody tr").length`))
		} else {
			b.reads("without a pool of ours")
		}
		b.once = false // the page is another one with a pool
		b.accessible()

		// It is renewed by itself, but not while it is paused.
		renew := `htmx.ajax("GET", location.pathname, {source: "#operations", target: "#operations", swap: "outerHTML"})`
		requests.Observe("GET /v1/limits", 200, time.Millisecond)
		eval[any](b, renew)
		b.reads("GET /v1/limits")
		b.click("#pause")
		requests.Observe("GET /v1/docs", 200, time.Millisecond)
		eval[bool](b, renew+`; true`)
		require.False(t, eval[bool](b, `document.body.innerText.includes("GET /v1/docs")`))
		b.click("#pause")
		eval[any](b, renew)
		b.reads("GET /v1/docs")
	})
}
