package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/productkit-go/productkit/product"
)

// pruneEvery is often enough for a feed that reaches back for days.
const pruneEvery = time.Hour

// prune lets the change feed forget what is old until ctx ends.
func prune(ctx context.Context, catalogue *product.Service, log *slog.Logger) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := catalogue.Prune(ctx); err != nil && ctx.Err() == nil {
				log.Warn("the change feed could not be pruned; trying again later", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}
