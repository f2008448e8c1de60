package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/productkit-go/productkit/product"
)

// pruneEvery is how late the feed may tell that a reservation has expired. With nothing to do it
// costs two short queries.
const pruneEvery = time.Minute

// prune removes expired reservations and lets the change feed forget what is old until ctx ends.
func prune(ctx context.Context, catalogue *product.Service, log *slog.Logger) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := catalogue.Prune(ctx); err != nil && ctx.Err() == nil {
				log.Warn("expired reservations and old changes could not be pruned; trying again later", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}
