//go:build faults

package faults_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/testscale"
)

// slack is how much later than its deadline a caller may be answered: what a busy machine of two
// cores takes to run a goroutine, not what the pool takes.
var slack = testscale.N(2*time.Second, 500*time.Millisecond)

const (
	callers  = 32
	deadline = 600 * time.Millisecond
	// work is how long a statement takes on the server, and think how long a caller thinks between
	// two: about four connections are busy, and the machine has a rest.
	work  = "0.005"
	think = 35 * time.Millisecond
)

// load is callers that use a database as a service does: reads, writes and transactions, each with a
// deadline.
type load struct {
	db     *sql.DB
	cancel context.CancelFunc
	ended  sync.WaitGroup
	gate   sync.RWMutex // held for reading in each operation

	served   atomic.Int64
	answered [callers]atomic.Int64
	written  [callers]atomic.Int64 // acknowledged
	unsure   [callers]atomic.Int64 // failed, and may have been committed

	mu      sync.Mutex
	classes map[string]int
	faults  []string
	texts   strings.Builder // every error, each class some times
}

const tally = "CREATE TABLE tally (caller INT PRIMARY KEY, n BIGINT NOT NULL)"

func startLoad(t *testing.T, db *sql.DB) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{db: db, cancel: cancel, classes: map[string]int{}}
	for n := range callers {
		l.ended.Go(func() {
			for ctx.Err() == nil {
				l.gate.RLock()
				l.call(n)
				l.gate.RUnlock()
				pause(ctx, think/2+rand.N(think))
			}
		})
	}
	return l
}

// call is one operation of caller n.
func (l *load) call(n int) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	start := time.Now()
	write := false
	var err error
	switch rand.N(4) {
	case 0:
		write = true
		_, err = l.db.ExecContext(ctx, "UPDATE tally SET n = n + 1 + SLEEP("+work+") WHERE caller = ?", n)
	case 1:
		write = true
		err = l.transact(ctx, n)
	default:
		err = l.read(ctx, n)
	}
	took := time.Since(start)
	// database/sql says so when it noticed the deadline before the caller did.
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		err = ctx.Err()
	}
	l.note(n, write, took, err)
}

func (l *load) read(ctx context.Context, n int) error {
	want := fmt.Sprint(n, "/", rand.N(1_000_000))
	var slept int
	var got string
	if err := l.db.QueryRowContext(ctx, "SELECT SLEEP("+work+"), ?", want).Scan(&slept, &got); err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("the answer of somebody else: asked for %s, got %s", want, got)
	}
	return nil
}

func (l *load) transact(ctx context.Context, n int) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var before int64
	if err := tx.QueryRowContext(ctx, "SELECT n FROM tally WHERE caller = ? FOR UPDATE", n).Scan(&before); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE tally SET n = ? WHERE caller = ?", before+1, n); err != nil {
		return err
	}
	return tx.Commit()
}

func (l *load) note(n int, write bool, took time.Duration, err error) {
	l.answered[n].Add(1)
	if err == nil {
		l.served.Add(1)
		if write {
			l.written[n].Add(1)
		}
	} else if write {
		l.unsure[n].Add(1)
	}
	if err == nil && took <= deadline+slack {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if took > deadline+slack {
		l.faults = append(l.faults, fmt.Sprintf("caller %d was stuck for %v, its deadline was %v: %v", n, took, deadline, err))
	}
	if err == nil {
		return
	}
	what, ok := class(err)
	l.classes[what]++
	if !ok {
		l.faults = append(l.faults, "an error that does not say what happened: "+what)
	}
	if l.classes[what] <= 100 {
		fmt.Fprintf(&l.texts, "%v\n%+v\n%#v\n", err, err, err)
	}
}

// failures returns what callers were told since the last call, and fails the test if one was stuck
// or told nothing of use.
func (l *load) failures(t *testing.T) map[string]int {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, fault := range l.faults[:min(len(l.faults), 10)] {
		t.Error(fault)
	}
	if leaks(l.texts.String()) {
		t.Errorf("an error holds the password:\n%s", l.texts.String())
	}
	classes := l.classes
	l.classes, l.faults = map[string]int{}, nil
	l.texts.Reset()
	return classes
}

// everyone waits until every caller was answered twice: once may have begun before.
func (l *load) everyone(t *testing.T) {
	t.Helper()
	var before [callers]int64
	for n := range before {
		before[n] = l.answered[n].Load()
	}
	require.Eventually(t, func() bool {
		for n := range before {
			if l.answered[n].Load() < before[n]+2 {
				return false
			}
		}
		return true
	}, 4*(deadline+slack), 10*time.Millisecond, "every caller is answered")
}

const window = 500 * time.Millisecond

// rate is the throughput over the next half second.
func (l *load) rate() float64 {
	before, start := l.served.Load(), time.Now()
	pause(context.Background(), window)
	return float64(l.served.Load()-before) / time.Since(start).Seconds()
}

// regains waits until half a second's throughput is at least want and returns how long after the
// call that half second began, or bound.
func (l *load) regains(want float64, bound time.Duration) time.Duration {
	type point struct {
		at     time.Time
		served int64
	}
	start := time.Now()
	points := []point{{start, l.served.Load()}}
	for time.Since(start) < bound+window {
		pause(context.Background(), 20*time.Millisecond)
		now := point{time.Now(), l.served.Load()}
		points = append(points, now)
		for len(points) > 1 && now.at.Sub(points[1].at) >= window {
			points = points[1:]
		}
		if took := now.at.Sub(points[0].at); took >= window && float64(now.served-points[0].served)/took.Seconds() >= want {
			return points[0].at.Sub(start)
		}
	}
	return bound
}

// quiet runs do while no caller is in an operation.
func (l *load) quiet(do func()) {
	l.gate.Lock()
	defer l.gate.Unlock()
	do()
}

// stop ends the callers.
func (l *load) stop(t *testing.T) {
	t.Helper()
	l.cancel()
	done := make(chan struct{})
	go func() {
		l.ended.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(4 * (deadline + slack)):
		t.Fatal("callers are stuck for good")
	}
}

// audit compares the table with what callers were told.
func (l *load) audit(t *testing.T, db *sql.DB, table string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT caller, n FROM "+table)
	require.NoError(t, err)
	defer rows.Close()
	seen := 0
	for ; rows.Next(); seen++ {
		var caller, n int64
		require.NoError(t, rows.Scan(&caller, &n))
		written, unsure := l.written[caller].Load(), l.unsure[caller].Load()
		if n < written || n > written+unsure {
			t.Errorf("caller %d has %d in the table; %d writes were acknowledged and %d failed", caller, n, written, unsure)
		}
	}
	require.NoError(t, rows.Err())
	require.Equal(t, callers, seen)
}

// among adds up the classes that hold any of the texts.
func among(classes map[string]int, texts ...string) int {
	sum := 0
	for what, n := range classes {
		for _, text := range texts {
			if strings.Contains(what, text) {
				sum += n
				break
			}
		}
	}
	return sum
}
