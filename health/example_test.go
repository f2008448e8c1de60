package health_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/productkit-go/productkit/health"
)

func Example() {
	ping := func(context.Context) error { return nil } // such as (*sql.DB).PingContext
	probe, err := health.New(&health.Options{
		Version: "1.0.0",
		Checks:  []health.Check{{Name: "database", Run: ping, Interval: 10 * time.Second}},
	})
	if err != nil {
		log.Fatal(err)
	}
	probe.Start()
	defer func() { _ = probe.Stop(context.Background()) }()

	mux := http.NewServeMux()
	for _, path := range []string{"/{$}", "/health", "/livez", "/livez/", "/readyz", "/readyz/", "/startupz", "/startupz/"} {
		mux.Handle("GET "+path, probe)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/livez", nil))
	fmt.Print(w.Code, " ", w.Body)
	// Output: 200 ok
}
