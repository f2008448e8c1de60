package pool

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	minGap     = 10 * time.Millisecond  // between the first dials of a burst
	maxGap     = 500 * time.Millisecond // between dials while none completes
	minBackoff = 50 * time.Millisecond
	maxBackoff = time.Second // recovery is noticed at latest after so long
	minConnect = time.Second // first bound of a connect

	// hopeless is how many failures in a row, with no connection left, make the
	// pool tell its waiters instead of letting them wait for the next attempt:
	// about 0.3 s, so a server's restart of a blink goes unnoticed.
	hopeless = 3
)

// pace decides when the next dial may start and how long it may take. Dials of
// one burst start at growing gaps, since while one is under way connections come
// free, and a server in trouble must not be stormed; a success removes the gap.
// After a failure there is a growing pause.
//
// The bound of a connect is adaptive: attempts against a server that accepts and
// says nothing give up after 1 s, then 2 s, up to ConnectTimeout, so that places
// are free when it recovers, while one that is merely slow is reached in the end.
type pace struct {
	limit    time.Duration // ConnectTimeout
	next     time.Time
	gap      time.Duration
	failures int
	failedAt time.Time
	patience time.Duration
	lastErr  error
}

func newPace(connectTimeout time.Duration) pace {
	return pace{limit: connectTimeout, patience: min(minConnect, connectTimeout)}
}

func (p *pace) started(now time.Time) {
	p.gap = min(max(p.gap*2, minGap), maxGap)
	p.next = now.Add(max(p.gap, p.backoff()))
}

func (p *pace) succeeded(took time.Duration) {
	p.next, p.gap, p.failures, p.lastErr = time.Time{}, 0, 0, nil
	p.patience = min(max(4*took, minConnect), p.limit)
}

func (p *pace) failed(now, started time.Time, patience time.Duration, err error) {
	p.lastErr = err
	// Dials that were under way together are one failure.
	if p.failures == 0 || started.After(p.failedAt) {
		p.failures++
		p.failedAt = now
	}
	if _, ok := errors.AsType[*connectTimeoutError](err); ok {
		if patience >= p.patience {
			p.patience = min(2*patience, p.limit)
		}
		return // it has taken its time already
	}
	p.next = now.Add(p.backoff())
}

func (p *pace) backoff() time.Duration {
	if p.failures == 0 {
		return 0
	}
	d := maxBackoff
	if n := p.failures - 1; n < 5 {
		d = minBackoff << n
	}
	return d/2 + rand.N(d/2+1)
}

// passing tells dial errors that go away by themselves (server restarting, too
// many connections, network) from those that somebody has to mend.
func passing(err error) bool {
	if my, ok := errors.AsType[*mysql.MySQLError](err); ok {
		switch my.Number {
		case 1040, // too many connections
			1203, 1226, // the account's limits
			1053, // shutdown in progress
			1129, // host blocked after errors
			1159, 1161, 1158, 1160, 2013:
			return true
		}
		return false
	}
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, context.DeadlineExceeded)
}
