package health

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Heartbeat shows that a loop of this process turns: the loop calls Beat, and liveness fails
// when that has not happened for too long. It can hold no check of anything outside, which is
// its purpose. It is safe for concurrent use.
type Heartbeat struct {
	name  string
	most  time.Duration
	start time.Time
	last  atomic.Int64 // since start
}

// NewHeartbeat returns a heartbeat, just beaten, that may pause for at most the given time. For
// its name see [Check].
func NewHeartbeat(name string, most time.Duration) *Heartbeat {
	return &Heartbeat{name: name, most: most, start: time.Now()}
}

// Beat says that the loop turns.
func (h *Heartbeat) Beat() { h.last.Store(int64(time.Since(h.start))) }

// age is the time since the last beat.
func (h *Heartbeat) age() time.Duration { return time.Since(h.start) - time.Duration(h.last.Load()) }

func (h *Heartbeat) late() error {
	if age := h.age(); age > h.most {
		return fmt.Errorf("no beat for %v", age.Round(time.Millisecond))
	}
	return nil
}
