package pool_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/pool"
)

func TestBudgetSharesConnectionsOut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		budget  pool.Budget
		cfg     pool.Config
		perPool int
		most    int // processes
		fault   string
	}{
		{"one process on a server as it comes", pool.Budget{MaxConnections: 151}, pool.Config{}, 68, 8, ""},
		{"3 instances", pool.Budget{MaxConnections: 151, Instances: 3}, pool.Config{}, 34, 8, ""},
		{"30 instances, default sizes", pool.Budget{MaxConnections: 151, Instances: 30}, pool.Config{}, 3, 8,
			"pool: 38 processes (30 and 8 more while deploying) × 16 connections (MaxConns + MaxOverflow + 1) = 608, but max_connections 151 less 15 reserved leaves 136; lower MaxConns + MaxOverflow to 2, raise max_connections to 623, or run at most 8 processes"},
		{"30 instances, small pools", pool.Budget{MaxConnections: 500, Instances: 30}, pool.Config{MaxConns: 5, MaxOverflow: 5}, 11, 40, ""},
		{"30 instances, small pools, one too many", pool.Budget{MaxConnections: 500, Instances: 30}, pool.Config{MaxConns: 5, MaxOverflow: 6}, 11, 37, "raise max_connections to 506"},
		{"300 instances", pool.Budget{MaxConnections: 2000, Instances: 300, Surge: 30, Reserved: 20}, pool.Config{MaxConns: 3, MaxOverflow: 2}, 6, 330, ""},
		{"300 instances, no room for one", pool.Budget{MaxConnections: 200, Instances: 300}, pool.Config{MaxConns: 1, MaxOverflow: -1}, 0, 90,
			"× 2 connections (MaxConns + MaxOverflow + 1) = 750, but max_connections 200 less 20 reserved leaves 180; raise max_connections to 770, or run at most 90 processes"},
		{"several pools a process", pool.Budget{MaxConnections: 151, Instances: 3, Surge: -1, Reserved: -1, Pools: 3}, pool.Config{}, 16, 3, ""},
		{"several pools a process, too many", pool.Budget{MaxConnections: 151, Instances: 3, Surge: -1, Reserved: -1, Pools: 4}, pool.Config{}, 12, 2, "3 processes (3 and 0 more while deploying) × 4 pools × 16 connections (MaxConns + MaxOverflow + 1) = 192, but"},
		{"more reserved than there is", pool.Budget{MaxConnections: 10, Reserved: 20}, pool.Config{}, 0, 0, "leaves 0; raise max_connections to 52"},
		{"sizes in a URL", pool.Budget{MaxConnections: 100, Instances: 2, Surge: -1, Reserved: -1}, pool.Config{DSN: "mysql://app@db/shop?max_size=40"}, 50, 1, "× 51 connections"},
		{"nothing known of the server", pool.Budget{Instances: -1, Pools: -2}, pool.Config{}, 0, 0, "pool: Budget.MaxConnections is 0; set it to the server's max_connections"},
		{"negative counts", pool.Budget{MaxConnections: 1, Instances: -1, Pools: -2}, pool.Config{}, 0, 0, "pool: Budget.Instances is -1; set it to the number of processes, at least 1\npool: Budget.Pools is -2"},
		{"an unlimited pool", pool.Budget{MaxConnections: 151}, pool.Config{MaxConns: -1}, 68, 12, "MaxConns is -1; it must be at least 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := test.budget.Check(test.cfg)
			if test.fault == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.fault)
			}
			if test.budget.Validate() == nil {
				require.Equal(t, test.perPool, test.budget.PerPool())
				require.Equal(t, test.most, test.budget.MaxProcesses(test.cfg))
			}
		})
	}
}

// What BudgetError advises must be enough, and no more than needed.
func TestBudgetAdviceIsExact(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 300; n += 13 {
		budget := pool.Budget{MaxConnections: 151, Instances: n, Surge: -1}
		cfg := pool.Config{MaxConns: 20, MaxOverflow: 10}
		var e *pool.BudgetError
		if err := budget.Check(cfg); err == nil {
			continue
		} else {
			require.ErrorAs(t, err, &e)
		}
		fewer := budget
		fewer.Instances = e.MaxProcesses
		require.NoError(t, fewer.Check(cfg))
		fewer.Instances++
		require.Error(t, fewer.Check(cfg))

		if sizes := e.PerPool - 1; sizes >= 1 {
			require.NoError(t, budget.Check(pool.Config{MaxConns: sizes, MaxOverflow: -1}))
			require.Error(t, budget.Check(pool.Config{MaxConns: sizes + 1, MaxOverflow: -1}))
		}

		more := budget
		more.Reserved = 15
		more.MaxConnections = n*e.Need + 15
		require.NoError(t, more.Check(cfg))
		more.MaxConnections--
		require.Error(t, more.Check(cfg))
	}
}

// A fleet of 30 with the default sizes does not fit on a server as it comes.
func ExampleBudget() {
	budget := pool.Budget{MaxConnections: 151, Instances: 30}
	fmt.Println("each pool may have:", budget.PerPool())
	fmt.Println(budget.Check(pool.Config{}))

	budget.MaxConnections = 500
	fmt.Println(budget.Check(pool.Config{MaxConns: 5, MaxOverflow: 5}))
	// Output:
	// each pool may have: 3
	// pool: 38 processes (30 and 8 more while deploying) × 16 connections (MaxConns + MaxOverflow + 1) = 608, but max_connections 151 less 15 reserved leaves 136; lower MaxConns + MaxOverflow to 2, raise max_connections to 623, or run at most 8 processes
	// <nil>
}
