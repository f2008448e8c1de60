package pool

import (
	"time"

	"github.com/productkit-go/productkit/internal/txretry"
)

const (
	// lingerFor is how long the pool goes on trying to end an abandoned session.
	lingerFor = 10 * time.Minute
	// lingerMost is how many it keeps in mind.
	lingerMost = 1000
)

// lingerer is a session that could not be ended in time: its statement may run, and
// hold locks, for as long as it likes. It no longer counts for the cap.
type lingerer struct {
	session Session
	until   time.Time
}

// lingerLocked has s ended later, and reports whether that will be tried.
func (e *engine) lingerLocked(s Session) bool {
	if e.closed || len(e.lingering) >= lingerMost {
		return false
	}
	e.lingering = append(e.lingering, lingerer{s, time.Now().Add(lingerFor)})
	if len(e.lingering) == 1 {
		go e.endLingering()
	}
	return true
}

// endLingering goes on until no session lingers, or the engine closes. There is
// one at a time.
func (e *engine) endLingering() {
	pause := txretry.Backoff{First: time.Second, Max: 10 * time.Second}
	for pause.Wait(e.ctx) == nil {
		for ended := true; ended; {
			e.mu.Lock()
			l := e.lingering[0] // until it is settled, so that nobody starts another endLingering
			e.mu.Unlock()

			gone, err := e.endSession(l.session)
			late := time.Now().After(l.until)
			switch {
			case gone:
				e.log.Info("pool: an abandoned session is gone from the server", "session", l.session.String())
			case late:
				e.log.Warn("pool: giving an abandoned session up", "session", l.session.String(), "error", err)
			}

			e.mu.Lock()
			e.lingering = e.lingering[1:]
			if ended = gone || late; !ended {
				// As a rule the others cannot be ended now either. If they can, for this
				// one is on another server, they come first the next time.
				e.lingering = append(e.lingering, l)
			}
			done := len(e.lingering) == 0
			e.mu.Unlock()
			if done {
				return
			}
		}
	}
}
