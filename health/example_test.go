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

// The port is open first; the checks come with what they check.
func ExampleProbe_Add() {
	migrated := health.NewStep("migrated")
	probe, err := health.New(&health.Options{Startup: []*health.Step{migrated}})
	if err != nil {
		log.Fatal(err)
	}
	probe.Start()
	defer func() { _ = probe.Stop(context.Background()) }()
	server := httptest.NewServer(probe)
	defer server.Close()
	fmt.Println(health.Ask(context.Background(), server.URL+"/startupz") != nil, probe.Report().Ready)

	ping := func(context.Context) error { return nil } // of the database that is open now
	if err := probe.Add(health.Check{Name: "database", Run: ping}); err != nil {
		log.Fatal(err)
	}
	migrated.Done()
	fmt.Println(health.Ask(context.Background(), server.URL+"/startupz"))
	// Output:
	// true false
	// <nil>
}
