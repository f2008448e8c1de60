package pool

import "time"

// PresetAIOMySQL is the pool of a Python service on `databases` with aiomysql,
// with the values that its guide names: min_size=1, max_size=5, max_queries=50,
// max_inactive_connection_lifetime=300. Set DSN and open it; everything that
// the guide does not name keeps this package's default.
//
// The last two are asyncpg's settings, where max_queries is 50,000: 50 makes a
// busy connection dial again all day, so prefer the plain defaults for anything
// but a comparison.
func PresetAIOMySQL() Config {
	return Config{
		MinConns:    1,
		MaxConns:    5,
		MaxOverflow: -1,
		MaxUses:     50,
		MaxIdleTime: 300 * time.Second,
	}
}

// PresetSQLAlchemy is SQLAlchemy's QueuePool as the Python guide sets it:
// pool_size=5, max_overflow=10, pool_pre_ping=True, pool_recycle=3600. As there,
// nothing is opened before it is needed and idle connections are kept. Set DSN
// and open it; everything that the guide does not name keeps this package's
// default.
func PresetSQLAlchemy() Config {
	return Config{
		MinConns:      -1,
		MaxConns:      5,
		MaxOverflow:   10,
		MaxIdleTime:   -1,
		MaxLifetime:   3600 * time.Second,
		PingAfterIdle: time.Nanosecond,
	}
}
