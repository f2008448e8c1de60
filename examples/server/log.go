package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/productkit-go/productkit/examples/internal/database"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/product"
)

// newLogger writes lines that people read in development, and machines in production.
func newLogger(c config, to *lines) *slog.Logger {
	opts := &slog.HandlerOptions{Level: c.LogLevel}
	if c.production {
		return slog.New(behind{slog.NewJSONHandler(to, opts), to})
	}
	return slog.New(behind{slog.NewTextHandler(to, opts), to})
}

// observed measures each request, once for Prometheus and for the log, which gets a line when it has been
// answered. What probes ask is told at debug level, and what failed by our fault as an error.
func observed(log *slog.Logger, m *meter, next http.Handler) http.Handler {
	answers := newKinds(func(k kind) telling {
		t := telling{level: slog.LevelInfo, duration: m.durationOf(k)}
		switch {
		case k.status >= http.StatusInternalServerError && k.status != http.StatusServiceUnavailable:
			t.level = slog.LevelError
		case probed[k.route], k.route == metricsPattern:
			t.level = slog.LevelDebug
		}
		t.line = log.Handler().WithAttrs([]slog.Attr{slog.String("method", k.method), slog.String("route", k.route), slog.Int("status", k.status)})
		return t
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait := waitOf(r.Context())
		wait.Store(0)
		answer := &recorder{ResponseWriter: w}
		active := m.active[methodOf(r.Method)]
		active.Inc()
		start := time.Now()
		var (
			took time.Duration
			told telling
		)
		func() {
			defer func() { // however it ends
				took = time.Since(start)
				active.Dec()
				status := answer.code()
				if status != http.StatusServiceUnavailable { // more refusals are no gain
					m.answered.Add(1)
				}
				told = answers.tell(kind{r.Method, r.Pattern, status})
				told.duration.Observe(took.Seconds())
				m.requests.Observe(r.Pattern, status, took)
			}()
			next.ServeHTTP(answer, r)
		}()
		if !log.Enabled(r.Context(), told.level) {
			return
		}
		line := slog.NewRecord(start.Add(took), told.level, "request", 0) // the source line would be this one, always
		line.AddAttrs(
			slog.String("request_id", w.Header().Get("X-Request-Id")),
			slog.Int64("bytes", answer.written),
			slog.Duration("duration", took.Round(time.Microsecond)),
			slog.Duration("wait", time.Duration(wait.Load()).Round(time.Microsecond)), // for a batch and for a connection
			slog.String("remote", r.RemoteAddr),
		) // five fit into a record; more would take memory of their own
		if id := traceID(r); id != "" {
			line.AddAttrs(slog.String("trace_id", id))
		}
		_ = told.line.Handle(r.Context(), line) // there is nobody to be told of an error
	})
}

type waitKey struct{}

// withWait has the requests of a connection tell how long they wait. It is an [http.Server].ConnContext:
// on a connection there is one request at a time, as long as it is one of HTTP/1.
func withWait(ctx context.Context, _ net.Conn) context.Context {
	wait := new(atomic.Int64)
	return context.WithValue(product.WithWait(pool.WithWait(ctx, wait), wait), waitKey{}, wait)
}

func waitOf(ctx context.Context) *atomic.Int64 { return ctx.Value(waitKey{}).(*atomic.Int64) }

// traceID returns the ID of the trace that the request is part of, by which its line is then found; empty
// if there is none (W3C Trace Context).
func traceID(r *http.Request) string {
	if r.Header["Traceparent"] == nil {
		return ""
	}
	from := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header)))
	if !from.IsValid() {
		return ""
	}
	return from.TraceID().String()
}

// tellPoolEvery is how often the pool's statistics are logged when nothing happens.
const tellPoolEvery = time.Minute

// tellPool logs the pool's statistics until ctx ends.
func tellPool(ctx context.Context, d *database.Database, log *slog.Logger) {
	tick := time.NewTicker(tellPoolEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			log.Info("pool", poolStats(d))
		case <-ctx.Done():
			return
		}
	}
}

// checkChanged is a [health.Options].OnChange. The checks know when the database goes away and when the
// pool is used up, so these are the changes of the pool's state, too, and its statistics belong to them.
func checkChanged(d *database.Database, log *slog.Logger) func(string, error) {
	return func(check string, err error) {
		if err != nil {
			log.Warn("a health check fails", "check", check, "error", err, poolStats(d))
		} else {
			log.Info("a health check passes", "check", check, poolStats(d))
		}
	}
}

// poolStats are gauges of the moment, and totals since the start.
func poolStats(d *database.Database) slog.Attr {
	if d.Pool == nil {
		s := d.DB.Stats()
		return slog.Group("pool", "open", s.OpenConnections, "limit", s.MaxOpenConnections, "busy", s.InUse, "idle", s.Idle,
			"queued", s.WaitCount, "waited", s.WaitDuration)
	}
	s := d.Pool.Stats()
	return slog.Group("pool", "open", s.Open, "limit", s.Limit, "busy", s.Busy, "idle", s.Idle, "waiting", s.Waiting, "oldest_hold", s.OldestHold,
		"lent", s.Wait.Count, "queued", s.Queued, "waited", s.Wait.Sum, "refused", s.Refused.Total(), "dials", s.Dial.Count, "dial_failures", s.DialFailures,
		"abandoned", s.Abandoned, "leaks", s.Leaks, "slow_calls", s.SlowCalls)
}
