package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/cors"

	"github.com/productkit-go/productkit/health"
	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/httpapi/console"
)

// The bounds of stopping add up to less than the 30 s that Kubernetes waits before it kills.
const (
	lingerWait = 5 * time.Second  // for clients that keep connections open to notice
	finishWait = 10 * time.Second // for requests under way
	closeWait  = 5 * time.Second  // for each part that is closed
)

// probed are the patterns that ask how the server is.
var probed = map[string]bool{
	"GET /{$}": true, "GET /health": true, "GET /livez": true, "GET /livez/{name}": true,
	"GET /readyz": true, "GET /readyz/{name}": true, "GET /startupz": true, "GET /startupz/{name}": true,
}

// metricsPattern is where Prometheus asks.
const metricsPattern = "GET /metrics"

// routes is what is found where, and what every request goes through.
func routes(c config, api *gate, probe, doctor http.Handler, m *meter, keys *keyring, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(apiPath, api)
	mux.HandleFunc(consolePath, api.serveConsole)
	mux.Handle("GET /doctor", doctor)
	for pattern := range probed {
		mux.Handle(pattern, front(probe))
	}
	if c.MetricsAddr == "" {
		mux.Handle(metricsPattern, m.guarded(c, keys))
	}
	return observed(log, m, crossOrigin(c.CORSOrigins, compressed(direct(api, mux))))
}

// direct spares what the API's own mux serves the way through the server's, which took 2 % of the CPU for a
// GET. Paths that the server's mux would clean are left to it.
func direct(api *gate, mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := r.URL.Path; strings.HasPrefix(path, apiPath) && !strings.Contains(path, "//") && !strings.Contains(path, "/.") {
			r.Pattern = apiPath // until the API knows better
			api.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// apiPath is where the API is.
const apiPath = "/v1/"

// consolePath is where people look.
const consolePath = "/console/"

// front leads browsers, which ask for HTML, from the root to the console. Machines get the health there.
func front(probe http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Add("Vary", "Accept")
			if strings.Contains(r.Header.Get("Accept"), "text/html") {
				http.Redirect(w, r, consolePath, http.StatusSeeOther)
				return
			}
		}
		probe.ServeHTTP(w, r)
	})
}

// crossOrigin lets pages of these origins use the API.
func crossOrigin(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	return cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"},
		AllowedHeaders: []string{"Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID", "X-API-Key", "X-Request-Id"},
		ExposedHeaders: []string{"ETag", "Idempotency-Replayed", "Location", "Retry-After", "X-Request-Id"},
		MaxAge:         600,
	}).Handler(next)
}

// gate stands for the API until there is one: the port is open while the database is waited for.
type gate struct {
	api     atomic.Pointer[httpapi.Handler]
	console atomic.Pointer[console.Handler] // there before api is
	held    atomic.Int64
}

const (
	holdWait = 5 * time.Second // much for a start beside a database that answers
	mostHeld = 1024
)

// hold returns the API as soon as there is one; nil if that takes long. A balancer that does not ask
// for readiness, as nginx, sends requests as soon as the port is open, and a start is short.
func (g *gate) hold(ctx context.Context) *httpapi.Handler {
	defer g.held.Add(-1)
	if g.held.Add(1) > mostHeld {
		return g.api.Load()
	}
	for end := time.Now().Add(holdWait); g.api.Load() == nil && ctx.Err() == nil && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	return g.api.Load()
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if api := g.wait(r.Context()); api != nil {
		api.ServeHTTP(w, r)
		return
	}
	starting(w)
}

// serveConsole stands for the console likewise.
func (g *gate) serveConsole(w http.ResponseWriter, r *http.Request) {
	if g.wait(r.Context()) != nil {
		g.console.Load().ServeHTTP(w, r)
		return
	}
	starting(w)
}

func (g *gate) wait(ctx context.Context) *httpapi.Handler {
	if api := g.api.Load(); api != nil {
		return api
	}
	return g.hold(ctx)
}

func starting(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `{"type":"about:blank","title":"Starting","status":503,"detail":"The server has not reached its database yet; nothing was done. Try again."}`)
}

// drain ends what waits for changes, in the console too.
func (g *gate) drain() {
	if api := g.api.Load(); api != nil {
		api.Drain()
		_ = bounded(g.console.Load().Close)
	}
}

// newServer returns a server with bounds for all that a client could draw out.
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ConnContext:       withWait,
		ReadHeaderTimeout: 5 * time.Second,
		// httpapi moves both on while an import or changes stream.
		ReadTimeout:    30 * time.Second,
		WriteTimeout:   60 * time.Second,
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// bind takes the address that these variables say; they may be one.
func bind(host, port, address string) (openPort, error) {
	var settings net.ListenConfig
	settings.SetMultipathTCP(false) // of which nobody could tell who waits
	listener, err := settings.Listen(context.Background(), "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return openPort{}, fmt.Errorf("%[1]s: %[2]s is in use; stop what listens there, or set %[1]s to another port", port, address)
	case err != nil:
		return openPort{}, fmt.Errorf("%s: %w %s: %v; set it to an address of this machine", host, errAddress, address, err)
	}
	return openPort{listener.(*net.TCPListener)}, nil
}

// secured speaks TLS on what is accepted, if there is a certificate.
func secured(c config, listener net.Listener, log *slog.Logger) (net.Listener, error) {
	if c.TLSCertFile == "" {
		return gathering{listener}, nil
	}
	pair, err := newCertificate(c.TLSCertFile, c.TLSKeyFile, log)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(listener, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get, NextProtos: []string{"http/1.1"}}), nil
}

// leaver makes clients that keep connections open leave without losing a request: closing an idle
// connection can cross a request on its way, so each is closed by the answer to its next one.
type leaver struct {
	leaving atomic.Bool
	open    atomic.Int64
}

func (l *leaver) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// track is a [http.Server].ConnState.
func (l *leaver) track(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		l.open.Add(1)
	case http.StateHijacked, http.StateClosed:
		l.open.Add(-1)
	}
}

// wait returns when all connections are closed, or after lingerWait.
func (l *leaver) wait() {
	for end := time.Now().Add(lingerWait); l.open.Load() > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

// listen serves until ctx ends: then readiness turns red, and a moment later, when nobody sends
// new requests here, those under way are finished. When another process has taken the port's place,
// which retired tells, it does so at once and stays ready. It takes no connection before begin.
func listen(ctx context.Context, c config, listener net.Listener, handler http.Handler, api *gate, probe *health.Probe, begin, retired <-chan struct{}, log *slog.Logger) error {
	var l leaver
	srv := newServer(l.wrap(handler), log)
	srv.ConnState = l.track
	srv.RegisterOnShutdown(api.drain)
	served := make(chan error, 1)
	go func() {
		select {
		case <-begin:
		case <-ctx.Done():
		}
		served <- srv.Serve(listener)
	}()
	select {
	case err := <-served:
		return err
	case <-retired:
		log.Info("retiring")
		l.leaving.Store(true)
	case <-ctx.Done():
		log.Info("stopping")
		l.leaving.Store(true)
		probe.Drain()
		time.Sleep(c.DrainWait)
	}
	_ = listener.Close() // so Serve ends, and says so
	<-served
	l.wait()
	finish, cancel := context.WithTimeout(context.Background(), finishWait)
	defer cancel()
	if err := srv.Shutdown(finish); err != nil {
		log.Warn("requests were cut off", "after", finishWait)
		_ = srv.Close()
	}
	return nil
}

func bounded(stop func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	return stop(ctx)
}

// announce tells whoever started the server where it is.
func announce(w io.Writer, c config, at net.Addr, keptIn string) {
	scheme, key := "http", ""
	if c.TLSCertFile != "" {
		scheme = "https"
	}
	if c.hasKeys() {
		key = " -H 'X-API-Key: …'"
	}
	_, _ = fmt.Fprintf(w, `Productkit listens on %[1]s
Products are kept in %[2]s
Try:
  curl%[3]s -X POST %[1]s/v1/products -H 'Content-Type: application/json' -d '{"sku":"TEE-M","name":"T-shirt","price":{"amount":1999,"currency":"EUR"},"stock":5}'
  curl%[3]s %[1]s/v1/skus/TEE-M
  curl%[3]s %[1]s/v1/products
The API is explained at %[1]s/v1/docs
People look at the products at %[1]s/console/
`, scheme+"://"+at.String(), keptIn, key)
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}
