package main

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/examples/internal/database"
	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/product"
)

// Who comes before there is a catalogue is answered by it, if he waits, and holds nothing if he does not.
func TestTheGateHoldsWhoComesEarly(t *testing.T) {
	t.Parallel()
	d, err := database.Open(t.Context(), database.Config{File: filepath.Join(t.TempDir(), "products.db")}, "test", logTo(t.Output()))
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close(t.Context())) }()
	store, err := d.Prepare(t.Context(), logTo(t.Output()))
	require.NoError(t, err)
	svc := product.NewService(store, nil)
	defer func() { require.NoError(t, svc.Close(t.Context())) }()
	api, err := httpapi.NewHandler(svc, &httpapi.Options{Prefix: "/v1"})
	require.NoError(t, err)

	var g gate
	come := func(ctx context.Context) chan int {
		status := make(chan int, 1)
		go func() {
			answer := httptest.NewRecorder()
			g.ServeHTTP(answer, httptest.NewRequestWithContext(ctx, "GET", "/v1/products", nil))
			status <- answer.Code
		}()
		return status
	}
	held := func(n int64) {
		require.Eventually(t, func() bool { return g.held.Load() == n }, 10*time.Second, time.Millisecond)
	}
	ctx, leave := context.WithCancel(t.Context())
	left := come(ctx)
	held(1)
	leave()
	require.Equal(t, 503, <-left)
	held(0)
	g.held.Store(mostHeld)
	require.Equal(t, 503, <-come(t.Context()), "there is no room, so at once")
	g.held.Store(0)
	early := come(t.Context())
	held(1)
	g.api.Store(api)
	require.Equal(t, 200, <-early)
	held(0)
}
