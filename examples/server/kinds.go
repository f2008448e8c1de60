package main

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// kind is what many answers have in common, and the log and Prometheus tell of all of them.
type kind struct {
	method, route string
	status        int
}

// telling is how answers of a kind are told.
type telling struct {
	level    slog.Level
	line     slog.Handler // has the kind's attributes already
	duration prometheus.Observer
}

// kinds finds out once how a kind is told, which takes longer than to tell it. Routes are patterns, of which
// there are few; kinds of methods that clients make up are not kept.
type kinds struct {
	find func(kind) telling

	mu    sync.Mutex
	known atomic.Pointer[map[kind]telling] // is replaced, never changed
}

func newKinds(find func(kind) telling) *kinds {
	k := &kinds{find: find}
	k.known.Store(&map[kind]telling{})
	return k
}

func (k *kinds) tell(of kind) telling {
	t, ok := (*k.known.Load())[of]
	if ok {
		return t
	}
	t = k.find(of)
	if slices.Contains(methods, of.method) {
		k.mu.Lock()
		defer k.mu.Unlock()
		more := maps.Clone(*k.known.Load())
		more[of] = t
		k.known.Store(&more)
	}
	return t
}
