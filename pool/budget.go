package pool

import (
	"errors"
	"fmt"
)

// laneConns is the health lane's share of a pool's connections.
const laneConns = 1

// Budget is the arithmetic that keeps a fleet of processes below one server's
// max_connections: each process opens a pool of its own, and nothing but this
// sum bounds them together.
//
//	(MaxConnections − Reserved) / (Instances + Surge) / Pools ≥ MaxConns + MaxOverflow + 1
//
// The one is the health lane (see [Pool.Ping]). MaxConnections is required; for
// everything else zero means the default at the field.
type Budget struct {
	// MaxConnections is the server's max_connections: what all clients together
	// may open. MySQL and MariaDB come with 151. The one connection more that
	// they keep for administrators is not part of it.
	MaxConnections int

	// Reserved connections are for everybody else: people, migrations,
	// monitoring, replicas, other services. Default a tenth of MaxConnections
	// and at least 5, for whoever is called when all is full must still get in.
	// Negative means none.
	Reserved int

	// Instances is how many processes hold a pool at one time: a worker process
	// is one, so 10 machines with 4 workers each are 40. Default 1.
	Instances int

	// Surge is how many processes exist beside them for a while: the new ones of
	// a rolling deployment, workers being recycled. Default a quarter of
	// Instances, rounded up, which is Kubernetes' maxSurge. Negative means none.
	Surge int

	// Pools is how many pools on this server each process opens. Default 1.
	Pools int
}

// WithDefaults returns a copy with every zero setting replaced by its default
// and every "none" spelled 0.
func (b Budget) WithDefaults() Budget {
	fill := func(v *int, otherwise int) {
		switch {
		case *v == 0:
			*v = otherwise
		case *v < 0:
			*v = 0
		}
	}
	fill(&b.Reserved, max(b.MaxConnections/10, 5))
	if b.Instances == 0 {
		b.Instances = 1
	}
	fill(&b.Surge, (b.Instances+3)/4)
	if b.Pools == 0 {
		b.Pools = 1
	}
	return b
}

// Validate reports everything that is wrong, joined, one sentence for each
// broken rule.
func (b Budget) Validate() error {
	var errs []error
	if b.MaxConnections < 1 {
		errs = append(errs, fmt.Errorf("pool: Budget.MaxConnections is %d; set it to the server's max_connections (SHOW VARIABLES LIKE 'max_connections')", b.MaxConnections))
	}
	if b.Instances < 0 {
		errs = append(errs, fmt.Errorf("pool: Budget.Instances is %d; set it to the number of processes, at least 1", b.Instances))
	}
	if b.Pools < 0 {
		errs = append(errs, fmt.Errorf("pool: Budget.Pools is %d; set it to the number of pools in a process, at least 1", b.Pools))
	}
	return errors.Join(errs...)
}

// PerPool returns how many connections each pool may open at most, its health
// lane included: (MaxConnections − Reserved) / (Instances + Surge) / Pools,
// rounded down. It is 0 if there is no room at all.
func (b Budget) PerPool() int {
	b = b.WithDefaults()
	return max(b.MaxConnections-b.Reserved, 0) / max((b.Instances+b.Surge)*b.Pools, 1)
}

// MaxProcesses returns how many processes fit with cfg's sizes, the surge
// included: the highest number an autoscaler may be given.
func (b Budget) MaxProcesses(cfg Config) int {
	b = b.WithDefaults()
	return max(b.MaxConnections-b.Reserved, 0) / max(perPool(cfg)*b.Pools, 1)
}

// Check returns nil if the whole fleet fits when every pool is as full as cfg
// lets it become. Otherwise it returns a *BudgetError that names the numbers
// and what to do, or the fault in the Budget or in cfg's sizes. cfg needs no
// database.
func (b Budget) Check(cfg Config) error {
	if err := b.Validate(); err != nil {
		return err
	}
	if cfg.MaxConns < 0 {
		return fmt.Errorf("pool: MaxConns is %d; it must be at least 1, a pool is never unlimited", cfg.MaxConns)
	}
	if need := perPool(cfg); need > b.PerPool() {
		return &BudgetError{Budget: b.WithDefaults(), Need: need, PerPool: b.PerPool(), MaxProcesses: b.MaxProcesses(cfg)}
	}
	return nil
}

// timesPools is the factor for sums in words, "" for a single pool.
func (b Budget) timesPools() string {
	if b.Pools == 1 {
		return ""
	}
	return fmt.Sprintf(" × %d pools", b.Pools)
}

// perPool is what one pool may open: its sizes and the health lane.
func perPool(cfg Config) int {
	cfg = cfg.WithDefaults()
	return max(cfg.MaxConns, 0) + max(cfg.MaxOverflow, 0) + laneConns
}

// BudgetError says that a fleet could open more connections than its server
// allows, which then answers 1040 ("Too many connections") to whoever comes
// last.
type BudgetError struct {
	// Budget is what was checked, with defaults.
	Budget Budget
	// Need is what one pool may open, MaxConns + MaxOverflow + 1; PerPool what
	// there is for it.
	Need, PerPool int
	// MaxProcesses would fit with these sizes.
	MaxProcesses int
}

func (e *BudgetError) Error() string { return "pool: " + e.Numbers() + "; " + e.Remedy() }

// Numbers is the sum that does not come out.
func (e *BudgetError) Numbers() string {
	b := e.Budget
	return fmt.Sprintf("%d processes (%d and %d more while deploying)%s × %d connections (MaxConns + MaxOverflow + 1) = %d, but max_connections %d less %d reserved leaves %d",
		b.Instances+b.Surge, b.Instances, b.Surge, b.timesPools(), e.Need, e.total(), b.MaxConnections, b.Reserved, max(b.MaxConnections-b.Reserved, 0))
}

// Remedy says what would fit.
func (e *BudgetError) Remedy() string {
	var fewer string
	if sizes := e.PerPool - laneConns; sizes >= 1 {
		fewer = fmt.Sprintf("lower MaxConns + MaxOverflow to %d, ", sizes)
	}
	return fmt.Sprintf("%sraise max_connections to %d, or run at most %d processes", fewer, e.total()+e.Budget.Reserved, e.MaxProcesses)
}

func (e *BudgetError) total() int {
	return (e.Budget.Instances + e.Budget.Surge) * e.Budget.Pools * e.Need
}
