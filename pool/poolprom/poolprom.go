// Package poolprom exports a pool's statistics to Prometheus.
//
//	prometheus.MustRegister(poolprom.NewCollector(p, "orders"))
//
// Each scrape takes one snapshot ([pool.Pool.Stats]); there are no goroutines
// and nothing is kept between scrapes.
//
// # OpenTelemetry's names
//
// The metrics db.client.connection.* of OpenTelemetry's semantic conventions, in
// Prometheus form, with the label db_client_connection_pool_name:
//
//	db_client_connection_count{db_client_connection_state="idle"|"used"}
//	db_client_connection_max                  MaxConns + MaxOverflow
//	db_client_connection_idle_max             MaxConns
//	db_client_connection_idle_min             MinConns
//	db_client_connection_pending_requests     callers waiting now
//	db_client_connection_timeouts_total       callers that AcquireTimeout ended
//	db_client_connection_create_time_seconds  histogram of connects, failed ones too
//	db_client_connection_wait_time_seconds    histogram of waits for a connection, of those who got one
//	db_client_connection_use_time_seconds     histogram from getting to giving back
//
// # Names of NewDBStatsCollector
//
// Dashboards made for client_golang's collectors.NewDBStatsCollector find its
// metrics with its label, db_name. That collector itself would show nothing on
// Pool.DB, for database/sql keeps no connections there. Here they come from the
// pool's own numbers:
//
//	go_sql_max_open_connections          MaxConns + MaxOverflow
//	go_sql_open_connections              open
//	go_sql_in_use_connections            busy
//	go_sql_idle_connections              idle
//	go_sql_wait_count_total              callers that had to wait
//	go_sql_wait_duration_seconds_total   the time they waited, of those who got a connection
//	go_sql_max_idle_closed_total         closed as they came back above MaxConns
//	go_sql_max_idle_time_closed_total    closed by MaxIdleTime
//	go_sql_max_lifetime_closed_total     closed by MaxLifetime
//
// # Names of its own
//
// What neither of them has, with the label db_client_connection_pool_name:
//
//	productkit_pool_closed_total{cause}    closed connections: broken, idle, lifetime, uses, overflow, ping, …
//	productkit_pool_refused_total{reason}  callers without a connection: timeout, queue_full, overloaded, canceled, …
//	productkit_pool_dial_failures_total    failed connects
//	productkit_pool_abandoned_total        cancelled statements that may run on at the server
//	productkit_pool_statements             prepared statements that the connections hold now
//	productkit_pool_statement_hits_total, …_misses_total, …_prepares_total, …_evictions_total
//	                                       what the statement caches did
package poolprom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/productkit-go/productkit/pool"
)

// Collector is a prometheus.Collector of one pool. It is safe for concurrent
// use, and goes on answering after the pool's Shutdown.
type Collector struct {
	p *pool.Pool
	descs
}

// NewCollector returns a Collector of p. The name tells several pools apart; it
// is the value of the labels db_client_connection_pool_name and db_name, and
// two pools in one registry must not share it.
func NewCollector(p *pool.Pool, name string) *Collector {
	return &Collector{p: p, descs: newDescs(name)}
}

var _ prometheus.Collector = (*Collector)(nil)

// Describe sends all descriptions.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.all() {
		ch <- d
	}
}

// Collect sends a snapshot.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	s := c.p.Stats()
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	gauge(c.count, s.Idle, "idle")
	gauge(c.count, s.Busy, "used")
	gauge(c.max, s.Limit)
	gauge(c.idleMax, s.MaxConns)
	gauge(c.idleMin, s.MinConns)
	gauge(c.pending, s.Waiting)
	count(c.timeouts, float64(s.Refused.Timeout))
	ch <- histogram(c.createTime, s.Dial)
	ch <- histogram(c.waitTime, s.Wait)
	ch <- histogram(c.useTime, s.Hold)

	gauge(c.sqlMaxOpen, s.Limit)
	gauge(c.sqlOpen, s.Open)
	gauge(c.sqlInUse, s.Busy)
	gauge(c.sqlIdle, s.Idle)
	count(c.sqlWaitCount, float64(s.Queued))
	count(c.sqlWaitDuration, s.Wait.Sum.Seconds())
	count(c.sqlMaxIdleClosed, float64(s.Closes[pool.CloseOverflow]))
	count(c.sqlMaxIdleTimeClosed, float64(s.Closes[pool.CloseIdle]))
	count(c.sqlMaxLifetimeClosed, float64(s.Closes[pool.CloseLifetime]))

	for cause, n := range s.Closes {
		count(c.closed, float64(n), cause.String())
	}
	for reason, n := range map[string]uint64{
		"timeout":     s.Refused.Timeout,
		"queue_full":  s.Refused.QueueFull,
		"overloaded":  s.Refused.Overloaded,
		"canceled":    s.Refused.Canceled,
		"closed":      s.Refused.Closed,
		"dial_failed": s.Refused.DialFailed,
	} {
		count(c.refused, float64(n), reason)
	}
	count(c.dialFailures, float64(s.DialFailures))
	count(c.abandoned, float64(s.Abandoned))
	gauge(c.lingering, s.Lingering)
	count(c.leaks, float64(s.Leaks))
	count(c.slowCalls, float64(s.SlowCalls))

	gauge(c.statements, s.Statements.Cached)
	count(c.hits, float64(s.Statements.Hits))
	count(c.misses, float64(s.Statements.Misses))
	count(c.prepares, float64(s.Statements.Prepared))
	count(c.evictions, float64(s.Statements.Evicted))
}

// histogram makes Prometheus' cumulative buckets, in seconds, of ours.
func histogram(d *prometheus.Desc, h pool.Histogram) prometheus.Metric {
	buckets := map[float64]uint64{}
	var sum uint64
	for i, bound := range pool.HistogramBounds() {
		sum += h.Counts[i]
		buckets[bound.Seconds()] = sum
	}
	return prometheus.MustNewConstHistogram(d, h.Count, h.Sum.Seconds(), buckets)
}
