//go:build faults

package faults_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"
)

// watch asks a server all the time how many sessions a user has.
type watch struct {
	admin *sql.DB
	user  string

	mu      sync.Mutex
	peak    int
	samples int
}

// startWatch watches until the returned function is called.
func startWatch(admin *sql.DB, user string) (*watch, func()) {
	w := &watch{admin: admin, user: user}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			if n, err := w.count(ctx); err == nil { // the server may be down just now
				w.mu.Lock()
				w.peak = max(w.peak, n)
				w.samples++
				w.mu.Unlock()
			}
			pause(ctx, 10*time.Millisecond)
		}
	})
	return w, func() { cancel(); running.Wait() }
}

// count returns how many sessions the user has. A bound, since the server may be frozen.
func (w *watch) count(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	err = w.admin.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.processlist WHERE user = ?", w.user).Scan(&n)
	return n, err
}

// list says what the user's sessions do, for an error message.
func (w *watch) list() (sessions []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	rows, err := w.admin.QueryContext(ctx, "SELECT CONCAT_WS(' ', id, command, time, state, info) FROM information_schema.processlist WHERE user = ?", w.user)
	if err != nil {
		return []string{err.Error()}
	}
	defer rows.Close()
	for rows.Next() {
		var session string
		if err := rows.Scan(&session); err != nil {
			return append(sessions, err.Error())
		}
		sessions = append(sessions, session)
	}
	return sessions
}

// most returns the highest count since the last call.
func (w *watch) most(t *testing.T) int {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.samples == 0 {
		t.Error("the processlist was never seen")
	}
	peak := w.peak
	w.peak, w.samples = 0, 0
	return peak
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
