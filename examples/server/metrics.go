package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/productkit-go/productkit/examples/internal/database"
	"github.com/productkit-go/productkit/health"
	"github.com/productkit-go/productkit/httpapi/console"
	"github.com/productkit-go/productkit/pool/poolprom"
	"github.com/productkit-go/productkit/product"
)

// meter is what the server tells Prometheus. Names are those of OpenTelemetry's semantic conventions, in
// Prometheus' spelling, where they have one; what neither they nor Prometheus' own collectors know
// begins with productkit_.
type meter struct {
	http.Handler // of scrapes
	registry     *prometheus.Registry
	duration     *prometheus.HistogramVec
	active       map[string]prometheus.Gauge // by methodOf a request that is under way
	requests     console.Requests            // for the console, which has no Prometheus to ask
	answered     atomic.Int64                // requests that were not refused, see followDemand
}

func newMeter(c config, d *database.Database, probe *health.Probe) *meter {
	scheme := prometheus.Labels{"url_scheme": "http"}
	if c.TLSCertFile != "" {
		scheme["url_scheme"] = "https"
	}
	m := &meter{
		registry: prometheus.NewRegistry(),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_server_request_duration_seconds", Help: "Duration of HTTP server requests.", ConstLabels: scheme,
			Buckets: []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}, // as OpenTelemetry advises
		}, []string{"http_request_method", "http_route", "http_response_status_code"}),
		active: make(map[string]prometheus.Gauge),
	}
	active := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "http_server_active_requests", Help: "Number of active HTTP server requests.", ConstLabels: scheme,
	}, []string{"http_request_method"})
	for _, method := range append(methods, otherMethod) {
		m.active[method] = active.WithLabelValues(method)
	}
	m.registry.MustRegister(m.duration, active, healthOf(probe),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	m.registry.MustRegister(runtimeMetrics()...)
	if d.Pool != nil {
		m.registry.MustRegister(poolprom.NewCollector(d.Pool, "productkit"))
	} else {
		m.registry.MustRegister(collectors.NewDBStatsCollector(d.DB, "productkit"))
	}
	m.Handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 8})
	return m
}

// durationOf is how long answers of a kind took. Routes are patterns, of which there are few, and not paths.
func (m *meter) durationOf(k kind) prometheus.Observer {
	route := k.route[max(strings.IndexByte(k.route, '/'), 0):]
	return m.duration.WithLabelValues(methodOf(k.method), route, strconv.Itoa(k.status))
}

// methodOf is how Prometheus is told of a method.
func methodOf(method string) string {
	if slices.Contains(methods, method) {
		return method
	}
	return otherMethod
}

// otherMethod stands for those that are not among methods.
const otherMethod = "_OTHER"

// methods are those that OpenTelemetry knows; clients may write anything.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY"}

// guarded is the way to the metrics on the API's port: there, whoever has a key may read them. Several
// processes on one port would answer in turn, each with numbers of its own.
func (m *meter) guarded(c config, keys *keyring) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case keys != nil && keys.of(r) == nil:
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "Send a key, as to the API.", http.StatusUnauthorized)
		case c.Workers > 1:
			http.Error(w, "Each worker has metrics of its own. Set METRICS_ADDR, and they are found there.", http.StatusNotFound)
		default:
			m.ServeHTTP(w, r)
		}
	})
}

// expose serves the metrics on a port of their own until ctx ends, or another process has taken the place.
func (m *meter) expose(ctx context.Context, listener net.Listener, retired <-chan struct{}, log *slog.Logger) {
	mux := http.NewServeMux()
	mux.Handle(metricsPattern, m)
	srv := newServer(mux, log)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	log.Info("metrics", "url", fmt.Sprintf("http://%v/metrics", listener.Addr()))
	select {
	case <-ctx.Done():
	case <-retired:
	case err := <-served:
		log.Error("there are no metrics any more", "error", err)
		return
	}
	if bounded(srv.Shutdown) != nil {
		_ = srv.Close()
	}
	<-served
}

// claim listens where the worker of before may still do so, until it no longer does; nil when ctx ends first.
func claim(ctx context.Context, address string, log *slog.Logger) net.Listener {
	for tries := 1; ; tries++ {
		listener, err := net.Listen("tcp", address)
		if err == nil {
			return listener
		}
		if tries == 100 {
			log.Warn("METRICS_ADDR is still in use, so there are no metrics yet; trying on", "error", err)
		}
		if !sleep(ctx, 100*time.Millisecond) {
			return nil
		}
	}
}

// healthOf tells what /health does.
func healthOf(probe *health.Probe) prometheus.Collector {
	ready := prometheus.NewDesc("productkit_ready", "Whether /readyz is green.", nil, nil)
	status := prometheus.NewDesc("productkit_health_check_status", "Whether the check passes.", []string{"check"}, nil)
	age := prometheus.NewDesc("productkit_health_check_age_seconds", "The time since the check has last run.", []string{"check"}, nil)
	return prometheus.CollectorFunc(func(ch chan<- prometheus.Metric) {
		report := probe.Report()
		ch <- gauge(ready, truth(report.Ready))
		for _, c := range report.Checks {
			ch <- gauge(status, truth(c.Status == health.Pass), c.Check.Name)
			ch <- gauge(age, c.Age.Seconds(), c.Check.Name)
		}
	})
}

// watch adds the catalogue, once there is one.
func (m *meter) watch(catalogue *product.Service) {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("productkit_catalogue_"+name, help, []string{"lane"}, nil)
	}
	waiting, running := desc("waiting", "Calls in the queue."), desc("running", "Batches in flight.")
	calls, batches := desc("calls_total", "Calls that were accepted."), desc("batches_total", "Batches that were started, each for all calls that waited.")
	refused := desc("refused_total", "Calls that were refused because the queue was full.")
	m.registry.MustRegister(prometheus.CollectorFunc(func(ch chan<- prometheus.Metric) {
		s := catalogue.Stats()
		for name, lane := range map[string]product.LaneStats{
			"reads": s.Reads, "stocks": s.Stocks, "lists": s.Lists, "trees": s.Trees, "writes": s.Writes, "merges": s.Merges, "alone": s.Alone, "reservations": s.Reservations,
		} {
			ch <- gauge(waiting, float64(lane.Waiting), name)
			ch <- gauge(running, float64(lane.Running), name)
			for desc, n := range map[*prometheus.Desc]uint64{calls: lane.Calls, batches: lane.Batches, refused: lane.Refused} {
				ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), name)
			}
		}
	}))
}

// runtimeMetrics are OpenTelemetry's names for what Go's runtime tells. Unlike client_golang's go_threads,
// which counts those that were ever made, process_thread_count is of those that live.
func runtimeMetrics() (all []prometheus.Collector) {
	type opts = prometheus.Opts
	memory := func(kind string) opts {
		return opts{Name: "go_memory_used_bytes", Help: "Memory used by the Go runtime.", ConstLabels: prometheus.Labels{"go_memory_type": kind}}
	}
	const stacks, total, released = "/memory/classes/heap/stacks:bytes", "/memory/classes/total:bytes", "/memory/classes/heap/released:bytes"
	for _, m := range []struct {
		opts
		add     string
		without []string
	}{
		{memory("stack"), stacks, nil},
		{memory("other"), total, []string{released, stacks}},
		{opts{Name: "go_memory_limit_bytes", Help: "Go runtime memory limit configured by the user."}, "/gc/gomemlimit:bytes", nil},
		{opts{Name: "go_memory_gc_goal_bytes", Help: "Heap size target for the end of the GC cycle."}, "/gc/heap/goal:bytes", nil},
		{opts{Name: "go_goroutine_count", Help: "Count of live goroutines."}, "/sched/goroutines:goroutines", nil},
		{opts{Name: "go_processor_limit", Help: "The number of OS threads that can execute user-level Go code simultaneously."}, "/sched/gomaxprocs:threads", nil},
		{opts{Name: "process_thread_count", Help: "Process threads count."}, "/sched/threads/total:threads", nil},
	} {
		all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts(m.opts), func() float64 {
			n := float64(sample(m.add))
			for _, name := range m.without {
				n -= float64(sample(name))
			}
			return n
		}))
	}
	return all
}

// sample reads one of the runtime's metrics, all of which are whole numbers.
func sample(name string) uint64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 { // another runtime may not know it
		return 0
	}
	return s[0].Value.Uint64()
}

func gauge(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
