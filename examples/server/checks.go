package main

import (
	"context"
	"fmt"
	"time"

	"github.com/productkit-go/productkit/examples/internal/database"
	"github.com/productkit-go/productkit/health"
	"github.com/productkit-go/productkit/pool"
)

// checks look after the database. A pool's Ping goes past its own connections, so a database that
// is down and a pool that is exhausted are two findings.
func checks(d *database.Database) []health.Check {
	p := d.Pool
	if p == nil {
		return []health.Check{{Name: "database", Run: d.DB.PingContext}}
	}
	return []health.Check{
		{Name: "database", Run: p.Ping, Interval: 2 * time.Second},
		{Name: "pool", Run: func(context.Context) error { return saturated(p.Stats()) }, Weight: health.Degrading,
			Details: func() any { return p.Stats().State }},
	}
}

func saturated(s pool.Stats) error {
	if s.Waiting > 0 && s.Busy >= s.Limit {
		return fmt.Errorf("all connections are busy: %v", s.State)
	}
	return nil
}
