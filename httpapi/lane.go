package httpapi

import "sync/atomic"

// lane lets a bounded number of requests through at once. Nobody waits for a place: a queue
// would only hide the overload from those who could do something about it.
type lane struct {
	most int64 // negative: unlimited
	busy atomic.Int64
}

func (l *lane) enter() bool {
	if l.busy.Add(1) > l.most && l.most >= 0 {
		l.busy.Add(-1)
		return false
	}
	return true
}

func (l *lane) leave() { l.busy.Add(-1) }
