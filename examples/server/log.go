package main

import (
	"context"
	"io"
	"log/slog"
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
func newLogger(c config, w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: c.LogLevel}
	if c.production {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// observed measures each request, once for Prometheus and for the log, which gets a line when it has been
// answered. What probes ask is told at debug level, and what failed by our fault as an error.
func observed(log *slog.Logger, told *meter, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var wait atomic.Int64
		ctx := product.WithWait(pool.WithWait(r.Context(), &wait), &wait)
		r = r.WithContext(ctx) // before the mux, which notes the route in it
		answer := &recorder{ResponseWriter: w}
		end := told.begin(r)
		start := time.Now()
		var took time.Duration
		func() {
			defer func() { // however it ends
				took = time.Since(start)
				end(answer.code(), took)
			}()
			next.ServeHTTP(answer, r)
		}()
		level := slog.LevelInfo
		switch {
		case answer.code() >= http.StatusInternalServerError && answer.code() != http.StatusServiceUnavailable:
			level = slog.LevelError
		case probed[r.Pattern], r.Pattern == metricsPattern:
			level = slog.LevelDebug
		}
		if !log.Enabled(r.Context(), level) {
			return
		}
		line := slog.NewRecord(start.Add(took), level, "request", 0) // the source line would be this one, always
		line.AddAttrs(
			slog.String("request_id", w.Header().Get("X-Request-Id")),
			slog.String("method", r.Method),
			slog.String("route", r.Pattern),
			slog.Int("status", answer.code()),
			slog.Int64("bytes", answer.written),
			slog.Duration("duration", took.Round(time.Microsecond)),
			slog.Duration("wait", time.Duration(wait.Load()).Round(time.Microsecond)), // for a batch and for a connection
			slog.String("remote", r.RemoteAddr),
		)
		if id := traceID(r); id != "" {
			line.AddAttrs(slog.String("trace_id", id))
		}
		_ = log.Handler().Handle(r.Context(), line) // there is nobody to be told of an error
	})
}

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
