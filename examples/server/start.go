package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/productkit-go/productkit/examples/internal/database"
	"github.com/productkit-go/productkit/health"
	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/httpapi/console"
	"github.com/productkit-go/productkit/product"
)

// serve opens the port, unless a supervisor has, then the database, serves until ctx ends, and closes
// everything in reverse.
func serve(ctx context.Context, c config, from *inherited, out io.Writer, log *slog.Logger) (err error) {
	limitMemory(c, log)
	tuning, end := context.WithCancel(ctx)
	defer end()
	collectLess(tuning)
	keys, err := newKeyring(c)
	if err != nil {
		return fmt.Errorf("%w: %w", errSetting, err)
	}
	d, err := database.Open(ctx, c.database, "productkit", log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bounded(d.Close)) }()
	migrated := health.NewStep("migrated")
	probe, err := health.New(&health.Options{Version: version(), Checks: checks(d), Startup: []*health.Step{migrated}, Trusted: trusted(c, keys), OnChange: checkChanged(d, log)})
	if err != nil {
		return err
	}
	var listener net.Listener
	if from != nil {
		listener = from.listener
	} else if listener, err = bind("HOST", "PORT", c.address()); err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // it is closed where it has served
	secure, err := secured(c, listener, log)
	if err != nil {
		return fmt.Errorf("%w: %w", errSetting, err)
	}
	var metrics net.Listener
	if c.MetricsAddr != "" && from == nil {
		if metrics, err = bind("METRICS_ADDR", "METRICS_ADDR", c.MetricsAddr); err != nil {
			return err
		}
	}
	probe.Start()
	defer func() { err = errors.Join(err, bounded(probe.Stop)) }()

	serving, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	running, stop := context.WithCancel(context.WithoutCancel(ctx)) // ends after the last request
	defer stop()
	var api gate
	m := newMeter(c, d, probe)
	if ownProcess && d.Pool != nil {
		followDemand(tuning, m.answered.Load)
	}
	handler := routes(c, &api, probe, doctor{d, trusted(c, keys)}, m, keys, log)
	ready := func(keptIn string) { announce(out, c, listener.Addr(), keptIn) }
	begin := make(chan struct{})
	var retired <-chan struct{}
	if from == nil || from.first {
		close(begin) // nobody else answers the probes
	}
	if from != nil {
		ready = func(keptIn string) {
			if !from.first {
				close(begin)
			}
			from.tell(tellReady + " " + keptIn)
		}
		retired = from.retired
		if c.MaxRequests > 0 {
			handler = counted(c.MaxRequests, c.MaxJitter, func() { from.tell(tellSpent) }, handler)
		}
	}
	var background sync.WaitGroup
	var failed error
	background.Go(func() {
		failed = catalogue(running, c, d, probe, keys, &api, m, log, func(engine string) {
			migrated.Done()
			ready(d.Name + " (" + engine + ")")
		})
		fail(failed)
	})
	if keys != nil {
		background.Go(func() { reloadOnHangup(running, keys, log) })
	}
	background.Go(func() { tellPool(running, d, log) })
	if c.MetricsAddr != "" {
		background.Go(func() {
			if from != nil {
				metrics = claim(running, c.metricsAddress(from.place), log)
			}
			if metrics != nil {
				m.expose(running, metrics, retired, log)
			}
		})
	}
	err = listen(serving, c, secure, handler, &api, probe, begin, retired, log)
	stop()
	background.Wait()
	return errors.Join(failed, err)
}

// catalogue waits for the database, migrates it, opens the gate, and prunes until ctx ends.
func catalogue(ctx context.Context, c config, d *database.Database, probe *health.Probe, keys *keyring, api *gate, m *meter, log *slog.Logger, ready func(engine string)) (err error) {
	store, err := d.Prepare(ctx, log)
	if err != nil {
		if ctx.Err() != nil {
			return nil // told to stop meanwhile
		}
		return err
	}
	svc := product.NewService(store, &product.Options{Logger: log})
	defer func() { err = errors.Join(err, bounded(svc.Close)) }()
	m.watch(svc)
	opts := &httpapi.Options{Prefix: "/v1", Logger: log, MaxReads: c.MaxReads, MaxWrites: c.MaxWrites}
	pages := &console.Options{Prefix: strings.TrimSuffix(consolePath, "/"), Logger: log, Pool: d.Pool, DB: d.DB, Health: probe, Requests: &m.requests, Trusted: trusted(c, keys)}
	if keys != nil {
		opts.Authorize = keys.authorize
		pages.Authorize, pages.SignIn = keys.authorize, true
	}
	h, err := httpapi.NewHandler(svc, opts)
	if err != nil {
		return err
	}
	ui, err := console.NewHandler(svc, pages)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bounded(ui.Close)) }()
	api.console.Store(ui)
	api.api.Store(h)
	ready(fmt.Sprint(store.Engine()))
	prune(ctx, svc, log)
	return nil
}

// trusted reports who may see the texts of errors in /health: whoever has a key, and in development
// everybody.
func trusted(c config, keys *keyring) func(*http.Request) bool {
	return func(r *http.Request) bool {
		if keys != nil {
			return keys.of(r) != nil
		}
		return !c.production
	}
}
