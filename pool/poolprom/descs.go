package poolprom

import "github.com/prometheus/client_golang/prometheus"

// descs are the metrics, described.
type descs struct {
	count, max, idleMax, idleMin, pending, timeouts, createTime, waitTime, useTime *prometheus.Desc

	sqlMaxOpen, sqlOpen, sqlInUse, sqlIdle, sqlWaitCount, sqlWaitDuration,
	sqlMaxIdleClosed, sqlMaxIdleTimeClosed, sqlMaxLifetimeClosed *prometheus.Desc

	closed, refused, dialFailures, abandoned, lingering, leaks, slowCalls *prometheus.Desc

	statements, hits, misses, prepares, evictions *prometheus.Desc
}

func newDescs(pool string) descs {
	named := prometheus.Labels{"db_client_connection_pool_name": pool}
	otel := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("db_client_connection_"+name, help, labels, named)
	}
	goSQL := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("go_sql_"+name, help, nil, prometheus.Labels{"db_name": pool})
	}
	own := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("productkit_pool_"+name, help, labels, named)
	}
	return descs{
		count:      otel("count", "The number of connections that are currently in the state described by the state label.", "db_client_connection_state"),
		max:        otel("max", "The maximum number of open connections allowed."),
		idleMax:    otel("idle_max", "The maximum number of idle open connections allowed."),
		idleMin:    otel("idle_min", "The minimum number of idle open connections allowed."),
		pending:    otel("pending_requests", "The number of current pending requests for an open connection."),
		timeouts:   otel("timeouts_total", "The number of connection timeouts that have occurred trying to obtain a connection from the pool."),
		createTime: otel("create_time_seconds", "The time it took to create a new connection."),
		waitTime:   otel("wait_time_seconds", "The time it took to obtain an open connection from the pool."),
		useTime:    otel("use_time_seconds", "The time between borrowing a connection and returning it to the pool."),

		sqlMaxOpen:           goSQL("max_open_connections", "Maximum number of open connections to the database."),
		sqlOpen:              goSQL("open_connections", "The number of established connections both in use and idle."),
		sqlInUse:             goSQL("in_use_connections", "The number of connections currently in use."),
		sqlIdle:              goSQL("idle_connections", "The number of idle connections."),
		sqlWaitCount:         goSQL("wait_count_total", "The total number of connections waited for."),
		sqlWaitDuration:      goSQL("wait_duration_seconds_total", "The total time blocked waiting for a new connection."),
		sqlMaxIdleClosed:     goSQL("max_idle_closed_total", "The total number of connections closed due to SetMaxIdleConns."),
		sqlMaxIdleTimeClosed: goSQL("max_idle_time_closed_total", "The total number of connections closed due to SetConnMaxIdleTime."),
		sqlMaxLifetimeClosed: goSQL("max_lifetime_closed_total", "The total number of connections closed due to SetConnMaxLifetime."),

		closed:       own("closed_total", "The number of connections that the pool has closed, by cause.", "cause"),
		refused:      own("refused_total", "The number of callers that got no connection, by reason.", "reason"),
		dialFailures: own("dial_failures_total", "The number of connects that failed."),
		abandoned:    own("abandoned_total", "The number of cancelled statements that could not be ended on the server within a second."),
		lingering:    own("lingering", "The number of abandoned statements that the pool is still trying to end."),
		leaks:        own("leaks_total", "The number of connections that were reported as held without a call in flight."),
		slowCalls:    own("slow_calls_total", "The number of calls that were reported as taking long."),

		statements: own("statements", "The number of prepared statements that the connections hold."),
		hits:       own("statement_hits_total", "The number of statements that ran as a cached one."),
		misses:     own("statement_misses_total", "The number of statements with arguments that did not."),
		prepares:   own("statement_prepares_total", "The number of statements put into a cache."),
		evictions:  own("statement_evictions_total", "The number of cached statements that gave way to others."),
	}
}

func (d *descs) all() []*prometheus.Desc {
	return []*prometheus.Desc{
		d.count, d.max, d.idleMax, d.idleMin, d.pending, d.timeouts, d.createTime, d.waitTime, d.useTime,
		d.sqlMaxOpen, d.sqlOpen, d.sqlInUse, d.sqlIdle, d.sqlWaitCount, d.sqlWaitDuration,
		d.sqlMaxIdleClosed, d.sqlMaxIdleTimeClosed, d.sqlMaxLifetimeClosed,
		d.closed, d.refused, d.dialFailures, d.abandoned, d.lingering, d.leaks, d.slowCalls,
		d.statements, d.hits, d.misses, d.prepares, d.evictions,
	}
}
