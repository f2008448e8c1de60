package spool

import (
	"io"
	"net/http"
	"time"
)

// Send answers with the body in pieces of 256 KiB, each of which the client must take within idle, which
// takes the place of the server's WriteTimeout. Negative: it may take forever.
func Send(w http.ResponseWriter, r *http.Request, body io.Reader, idle time.Duration) {
	const piece = 256 << 10
	control := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	for r.Context().Err() == nil {
		var deadline time.Time
		if idle >= 0 {
			deadline = time.Now().Add(idle)
		}
		_ = control.SetWriteDeadline(deadline)
		if _, err := io.CopyN(w, body, piece); err != nil {
			return // its end, or the client's
		}
	}
}
