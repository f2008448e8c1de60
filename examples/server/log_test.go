package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/examples/internal/database"
	"github.com/productkit-go/productkit/health"
	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

func TestThePoolIsLoggedEachMinuteAndWithEachChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { thePoolIsLogged(t) }) // in simulated time
}

func thePoolIsLogged(t *testing.T) {
	server := new(pooltest.Server)
	p, err := pool.Open(t.Context(), pool.Config{Connector: server.Connector(), MaxConns: 1, MaxOverflow: -1, QueueTarget: -1, AcquireTimeout: time.Minute,
		KeepaliveInterval: -1}) // which would be busy at the second minute, or just before or after the line
	require.NoError(t, err)
	pooltest.NoLeaks(t, p)
	d := &database.Database{DB: p.DB(), Pool: p}
	var lines buffer
	log := logTo(&lines)
	probe, err := health.New(&health.Options{Checks: checks(d), OnChange: checkChanged(d, log)})
	require.NoError(t, err)
	probe.Start()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { tellPool(ctx, d, log) })
	said := func(what ...string) (n int) {
	lines:
		for line := range strings.Lines(lines.String()) {
			for _, s := range what {
				if !strings.Contains(line, s) {
					continue lines
				}
			}
			n++
		}
		return n
	}
	time.Sleep(3*time.Minute + time.Second)
	require.Equal(t, 3, said("level=INFO msg=pool pool.open=1 pool.limit=1 pool.busy=0 pool.idle=1 pool.waiting=0", "pool.lent=", "pool.refused=0"))
	require.Equal(t, 2, said("level=INFO", "a health check passes", "pool.open="), "the first results")

	held, err := d.DB.Conn(t.Context())
	require.NoError(t, err)
	all.Go(func() { _, _ = d.DB.ExecContext(ctx, "DO 1") })
	time.Sleep(20 * time.Second)
	require.Equal(t, 1, said("level=WARN", "a health check fails", "check=pool", "pool.busy=1", "pool.waiting=1"))
	require.NoError(t, held.Close())
	time.Sleep(20 * time.Second)
	require.Equal(t, 2, said("a health check passes", "check=pool"))

	server.SetRefuse(errors.New("no luck"))
	p.Reset()
	time.Sleep(20 * time.Second)
	require.Equal(t, 1, said("level=WARN", "a health check fails", "check=database", "no luck", "pool.open=0"))
	server.SetRefuse(nil)
	time.Sleep(20 * time.Second)
	require.Equal(t, 2, said("a health check passes", "check=database", "pool.open="))
	cancel()
	all.Wait()
	require.NoError(t, probe.Stop(context.Background()))
}
