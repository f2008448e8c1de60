package main

import (
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/felixge/httpsnoop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

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

// logged writes a line for each request when it has been answered. What probes ask is told at debug
// level, and what failed by our fault as an error.
func logged(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var wait atomic.Int64
		ctx := product.WithWait(pool.WithWait(r.Context(), &wait), &wait)
		r = r.WithContext(ctx) // before the mux, which notes the route in it
		m := httpsnoop.CaptureMetrics(next, w, r)
		level := slog.LevelInfo
		switch {
		case m.Code >= http.StatusInternalServerError && m.Code != http.StatusServiceUnavailable:
			level = slog.LevelError
		case probed[r.Pattern]:
			level = slog.LevelDebug
		}
		attrs := []slog.Attr{
			slog.String("request_id", w.Header().Get("X-Request-Id")),
			slog.String("method", r.Method),
			slog.String("route", r.Pattern),
			slog.Int("status", m.Code),
			slog.Int64("bytes", m.Written),
			slog.Duration("duration", m.Duration.Round(time.Microsecond)),
			slog.Duration("wait", time.Duration(wait.Load()).Round(time.Microsecond)), // for a batch and for a connection
			slog.String("remote", r.RemoteAddr),
		}
		// Whoever asked may be traced (W3C Trace Context); the line is then found by the trace.
		if from := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))); from.IsValid() {
			attrs = append(attrs, slog.String("trace_id", from.TraceID().String()))
		}
		log.LogAttrs(r.Context(), level, "request", attrs...)
	})
}
