package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/productkit-go/productkit/examples/internal/database"
	"github.com/productkit-go/productkit/examples/internal/environ"
	"github.com/productkit-go/productkit/pool"
)

var (
	errBudget  = errors.New("the fleet's connections do not fit")
	errUnknown = errors.New("whether the fleet's connections fit is not known")
)

// shares are the variables of an instance that say how many processes hold a part of its connections.
type shares struct {
	Workers     int `env:"WORKERS" envDefault:"1"`
	MaxRequests int `env:"MAX_REQUESTS"`
}

// checkBudget asks the doctor whether so many instances with these variables fit into what the
// database's server allows. Their pools know nothing of each other, so only whoever starts them all
// can tell. An error that is neither of the two above is a variable that is wrong.
func checkBudget(ctx context.Context, vars environ.Vars, instances int) error {
	c, err := database.FromURL(vars.Get("DATABASE_URL"), vars)
	if err != nil || c.File != "" {
		return err
	}
	var s shares
	if err := vars.Read(&s, ""); err != nil {
		return err
	}
	own := c.Pool.WithDefaults()
	service := cmp.Or(own.Attributes["service"], own.Attributes["program_name"], "productkit") // as the server calls itself
	own.MinConns, own.Attributes = -1, map[string]string{"service": "productkit-fleet"}
	own.MaxConns = max(own.MaxConns/max(s.Workers, 1), 1)
	if own.MaxOverflow /= max(s.Workers, 1); own.MaxOverflow == 0 {
		own.MaxOverflow = -1
	}
	p, err := pool.Open(ctx, own)
	if err != nil {
		return err
	}
	defer func() {
		bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = p.Shutdown(bound) // nobody holds anything
	}()
	// An instance is gone before its successor starts. Workers that are replaced overlap.
	fleet := pool.Budget{Instances: instances * max(s.Workers, 1), Surge: -1}
	if s.MaxRequests > 0 {
		fleet.Surge = fleet.Instances
	}
	report, err := p.Doctor(ctx, &pool.DoctorOptions{Fleet: fleet, Service: service, Outside: true})
	if err != nil {
		return fmt.Errorf("%w: %w", errUnknown, err)
	}
	for _, f := range report.Findings {
		switch f.ID {
		case pool.FindingFleet, pool.FindingAccountLimit:
			return fmt.Errorf("%w: %s; %s", errBudget, f.Evidence, f.Fix)
		case pool.FindingUnreachable:
			return fmt.Errorf("%w: %s", errUnknown, f.Evidence)
		}
	}
	if report.MaxConnections == 0 {
		return fmt.Errorf("%w: the server does not show its max_connections", errUnknown)
	}
	return nil
}
