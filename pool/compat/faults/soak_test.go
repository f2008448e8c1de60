//go:build faults

package faults_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
)

// TestSoak strikes at random, one fault after the other, for PRODUCTKIT_SOAK minutes on each
// engine, or for 20 s on MariaDB alone.
//
// It runs alone: goroutines and memory are the whole process's.
func TestSoak(t *testing.T) {
	lasting, flavors := 20*time.Second, []mysqltest.Flavor{mysqltest.MariaDB}
	if text := os.Getenv("PRODUCTKIT_SOAK"); text != "" {
		minutes, err := strconv.ParseFloat(text, 64)
		require.NoError(t, err, "PRODUCTKIT_SOAK is a number of minutes")
		lasting, flavors = time.Duration(minutes*float64(time.Minute)), mysqltest.Flavors()
	}
	for _, flavor := range flavors {
		t.Run(string(flavor), func(t *testing.T) { newSoak(t, flavor).run(t, lasting) })
	}
}

// soak is a rig behind a proxy on a server of its own.
type soak struct {
	*rig
	server *mysqltest.Server
	proxy  *proxy

	struck  map[string]int
	told    map[string]int
	slowest time.Duration
	first   *footprint
	last    footprint
}

// footprint is what the process has while nobody uses the pool.
type footprint struct {
	goroutines int
	heap       uint64
}

func (f footprint) String() string {
	return fmt.Sprintf("%d goroutines, %d KiB", f.goroutines, f.heap>>10)
}

func newSoak(t *testing.T, flavor mysqltest.Flavor) *soak {
	t.Helper()
	s := &soak{server: mysqltest.Start(t, &mysqltest.Options{Flavor: flavor}), struck: map[string]int{}, told: map[string]int{}}
	db := s.server.NewDatabase(t)
	s.proxy = newProxy(t, db.Addr())
	s.rig = newRig(t, db, s.proxy.Listen, nil)
	return s
}

func (s *soak) faults(t *testing.T) map[string]func() (mend func()) {
	toxic := func(kind string, attributes map[string]any, streams ...string) func() func() {
		return func() func() { return s.proxy.poison(t, kind, attributes, streams...) }
	}
	return map[string]func() func(){
		"refused":   func() func() { s.proxy.Stop(); return func() { require.NoError(t, s.proxy.Start()) } },
		"reset":     toxic("reset_peer", nil),
		"broken":    toxic("limit_data", map[string]any{"bytes": 100 + rand.N(400)}, "downstream"),
		"swallowed": toxic("latency", map[string]any{"latency": 1000 * 1000}),
		"delayed":   toxic("latency", map[string]any{"latency": 100, "jitter": 100}),
		"killed":    func() func() { kill(t, s.rig); return func() {} },
		"frozen":    func() func() { s.server.Pause(t); return func() { s.server.Resume(t) } },
		"crashed":   func() func() { s.server.Kill(t); return func() { s.server.Start(t) } },
	}
}

func (s *soak) run(t *testing.T, lasting time.Duration) {
	start := time.Now()
	warm := min(time.Minute, lasting/4)
	measured, said := start, start
	for time.Since(start) < lasting {
		s.strike(t)
		if time.Since(measured) > min(10*time.Second, lasting/8) {
			s.measure(t, time.Since(start) >= warm)
			measured = time.Now()
		}
		if time.Since(said) >= 10*time.Second {
			s.say(t, time.Since(start))
			said = time.Now()
		}
	}
	s.measure(t, true)
	s.load.stop(t)
	s.settles(t)
	s.load.audit(t, s.admin, s.database+".tally")
	s.say(t, time.Since(start))
	t.Logf("at first %v, at last %v; callers were told: %v", s.first, s.last, s.told)
}

// strike breaks one thing for a while and has the pool recover.
func (s *soak) strike(t *testing.T) {
	faults := s.faults(t)
	names := slices.Sorted(maps.Keys(faults))
	name := names[rand.N(len(names))]
	s.struck[name]++
	mend := sync.OnceFunc(faults[name]())
	defer mend() // for the clean-up after a failure
	defer func() {
		if t.Failed() {
			log := s.logs.take()
			t.Logf("after %q; the end of the log:\n%s", name, log[max(0, len(log)-8000):])
		}
	}()
	pause(t.Context(), rand.N(time.Second))
	s.load.everyone(t)
	mend()
	took := s.regains(t)
	s.slowest = max(s.slowest, took)
	if took > 2*time.Second {
		t.Logf("recovery from %q took %v", name, took)
	}
	s.burn(t)
	for what, n := range s.load.failures(t) {
		s.told[what] += n
	}
	s.sees(t)
	if t.Failed() {
		t.FailNow()
	}
}

// burn cancels statements without end between two faults, and waits until the pool has ended them:
// if it could not for a second, because the next fault is there, it would leave them running
// (Stats.Abandoned) to the end of the test.
func (s *soak) burn(t *testing.T) {
	var burning sync.WaitGroup
	for range 3 {
		burning.Go(func() { _ = burn(s.pool.DB()) }) // a caller like the others, told as they are
	}
	burning.Wait()
	require.Eventually(t, func() bool { return s.pool.Stats().Closing == 0 }, 10*time.Second, time.Millisecond)
}

// measure looks at what is there while nobody uses the pool, and holds it against the first time.
func (s *soak) measure(t *testing.T, warm bool) {
	s.load.quiet(func() {
		s.pool.Reset() // to the connections that it always has
		require.NoError(t, s.pool.Ping(t.Context()))
		s.settles(t)
		require.False(t, leaks(s.logs.take()), "the log holds the password")
		now := s.take(t)
		s.last = now
		if s.first == nil && warm {
			s.first = &now
		}
	})
	if s.first != nil {
		require.LessOrEqual(t, s.last.goroutines, s.first.goroutines+spareGoroutines, "goroutines have become more")
		require.LessOrEqual(t, s.last.heap, s.first.heap+s.first.heap/4+spareHeap, "memory has grown")
	}
}

const (
	spareGoroutines = 5       // timers and closing connections come and go
	spareHeap       = 2 << 20 // buffers of the proxy and the runtime
)

// take waits a moment for goroutines that are about to end.
func (s *soak) take(t *testing.T) footprint {
	want := 0
	if s.first != nil {
		want = s.first.goroutines
	}
	least := runtime.NumGoroutine()
	for end := time.Now().Add(time.Second); least > want && time.Now().Before(end); {
		pause(t.Context(), 50*time.Millisecond)
		least = min(least, runtime.NumGoroutine())
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return footprint{least, m.HeapAlloc}
}

func (s *soak) say(t *testing.T, passed time.Duration) {
	served, struck := s.load.served.Load(), 0
	for _, n := range s.struck {
		struck += n
	}
	t.Logf("%v: %d faults %v, %d operations, slowest recovery %v, %v, abandoned %d",
		passed.Round(time.Second), struck, s.struck, served, s.slowest.Round(time.Millisecond), s.last, s.pool.Stats().Abandoned)
}
