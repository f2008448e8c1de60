package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/productkit-go/productkit/examples/internal/environ"
)

// Only the supervisor sets these.
const (
	workerVariable = "PRODUCTKIT_WORKER"       // the process is a worker, in this place
	firstVariable  = "PRODUCTKIT_WORKER_FIRST" // and nobody serves but it: it takes connections before it is ready
)

// What a supervisor and its workers tell each other, a line each.
const (
	tellReady   = "ready" // and what it keeps products in
	tellSpent   = "spent" // it wants to be replaced
	orderRetire = "retire"
)

// inherited is what a worker has from its supervisor.
type inherited struct {
	place    int // from 0
	first    bool
	listener net.Listener
	status   *os.File
	retired  chan struct{} // closed when another has taken the place
	orphaned chan struct{} // closed when the supervisor has died
}

// inherit returns nil in a process that is no worker.
func inherit(vars environ.Vars) (*inherited, error) {
	number, err := strconv.Atoi(vars.Get(workerVariable))
	if err != nil {
		return nil, nil
	}
	files, err := inheritedFiles()
	if err != nil {
		return nil, fmt.Errorf("%s is set, and there is no supervisor; unset it: %w", workerVariable, err)
	}
	listener, err := net.FileListener(files[0])
	if err != nil {
		return nil, fmt.Errorf("%s is set, and there is no supervisor; unset it: %w", workerVariable, err)
	}
	_ = files[0].Close() // the listener has its own
	i := &inherited{place: number - 1, first: vars.Get(firstVariable) != "", listener: sharedPort{listener.(*net.TCPListener)}, status: files[1], retired: make(chan struct{}), orphaned: make(chan struct{})}
	go func() { // ends with the process, at the latest
		orders := bufio.NewScanner(files[2])
		for orders.Scan() {
			if orders.Text() == orderRetire {
				close(i.retired)
			}
		}
		close(i.orphaned)
	}()
	return i, nil
}

// orphan returns a context that ends with the supervisor, too.
func (i *inherited) orphan(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-i.orphaned:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

func (i *inherited) tell(text string) { _, _ = fmt.Fprintln(i.status, text) } // that a supervisor has died shows in orphaned

// counted calls spent once, when so many requests have been answered. Each process draws its own
// number from most to most + jitter, so that not all are replaced at once.
func counted(most, jitter int, spent func(), next http.Handler) http.Handler {
	limit := int64(most) + rand.Int64N(int64(jitter)+1)
	var served atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		if served.Add(1) == limit {
			spent()
		}
	})
}
