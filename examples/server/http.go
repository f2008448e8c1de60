package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/productkit-go/productkit/health"
	"github.com/productkit-go/productkit/httpapi"
)

// The bounds of stopping add up to less than the 30 s that Kubernetes waits before it kills.
const (
	finishWait = 15 * time.Second // for requests under way
	closeWait  = 5 * time.Second  // for each part that is closed
)

func routes(api, probe http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/", api)
	for _, path := range []string{"/{$}", "/health", "/livez", "/readyz"} {
		mux.Handle("GET "+path, probe)
	}
	return mux
}

// listen serves until ctx ends: then readiness turns red, and a moment later, when nobody sends
// new requests here, those under way are finished.
func listen(ctx context.Context, c config, listener net.Listener, api *httpapi.Handler, probe *health.Probe, log *slog.Logger) error {
	srv := &http.Server{
		Handler:           routes(api, probe),
		ReadHeaderTimeout: 5 * time.Second,
		// httpapi moves both on while an import or changes stream.
		ReadTimeout:    30 * time.Second,
		WriteTimeout:   60 * time.Second,
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	srv.RegisterOnShutdown(api.Drain)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}

	log.Info("stopping")
	probe.Drain()
	time.Sleep(c.drainWait)
	finish, cancel := context.WithTimeout(context.Background(), finishWait)
	defer cancel()
	if err := srv.Shutdown(finish); err != nil {
		log.Warn("requests were cut off", "after", finishWait)
		_ = srv.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func bounded(stop func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	return stop(ctx)
}

func announce(w io.Writer, at net.Addr, database string) {
	base := "http://" + at.String()
	_, _ = fmt.Fprintf(w, `Productkit listens on %[1]s
Products are kept in %[2]s
Try:
  curl -X POST %[1]s/v1/products -H 'Content-Type: application/json' -d '{"sku":"TEE-M","name":"T-shirt","price":{"amount":1999,"currency":"EUR"},"stock":5}'
  curl %[1]s/v1/skus/TEE-M
  curl %[1]s/v1/products
The API is explained at %[1]s/v1/docs
`, base, database)
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}
