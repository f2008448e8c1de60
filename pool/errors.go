package pool

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The reasons for which a connection cannot be had. They are found with
// errors.Is in whatever the *sql.DB returns.
var (
	// ErrAcquireTimeout: no connection came free within AcquireTimeout.
	ErrAcquireTimeout = errors.New("pool: no connection came free in time")
	// ErrQueueFull: MaxWaiters callers are waiting already.
	ErrQueueFull = errors.New("pool: too many callers are waiting")
	// ErrOverloaded: more is asked for than the connections can do, so waiting
	// would only make everybody late (see Config.QueueTarget).
	ErrOverloaded = errors.New("pool: overloaded, the queue for connections does not drain")
	// ErrClosed: Shutdown was called, or Close of the *sql.DB.
	ErrClosed = errors.New("pool: closed")
	// ErrDialFailed: there is no connection and opening one failed.
	ErrDialFailed = errors.New("pool: cannot connect")
)

// errReleased answers calls on a driver connection that somebody kept after
// giving it back, such as one that leaked out of sql.Conn.Raw.
var errReleased = errors.New("pool: connection was used after it was given back")

// AcquireError says why a connection could not be had and what the pool looked
// like. errors.Is finds its Reason (ErrAcquireTimeout, ErrQueueFull, ErrOverloaded, ErrClosed,
// ErrDialFailed, or the error of the caller's context) and, through DialErr, the
// driver's error. It never matches driver.ErrBadConn, which would make
// database/sql try again.
type AcquireError struct {
	Reason error
	// DialErr is the last failed dial, nil if the last one succeeded.
	DialErr error
	// Waited is how long the caller had waited.
	Waited time.Duration
	// State is the pool at that moment.
	State State
}

// State is a pool's state in brief, as errors carry it.
type State struct {
	Open, Busy, Idle, Dialing, Closing, Waiting int
	// Limit is MaxConns + MaxOverflow.
	Limit int
	// OldestHold is how long the connection held longest has been held.
	OldestHold time.Duration
}

func (s State) String() string {
	return fmt.Sprintf("%d open of at most %d, %d busy, %d idle, %d dialing, %d closing, %d waiting, oldest held for %v",
		s.Open, s.Limit, s.Busy, s.Idle, s.Dialing, s.Closing, s.Waiting, s.OldestHold.Round(time.Millisecond))
}

func (e *AcquireError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v", e.Reason)
	if e.Waited > 0 {
		fmt.Fprintf(&b, " after waiting %v for a connection", e.Waited.Round(time.Millisecond))
	}
	fmt.Fprintf(&b, " (%v)", e.State)
	if e.DialErr != nil {
		fmt.Fprintf(&b, "; last dial: %v", e.DialErr)
	}
	return b.String()
}

// Unwrap returns the reason and the dial error.
func (e *AcquireError) Unwrap() []error {
	if e.DialErr == nil {
		return []error{e.Reason}
	}
	return []error{e.Reason, e.DialErr}
}

// ShutdownError says which connections were still held when Shutdown's context
// ended. errors.Is finds the context's error.
type ShutdownError struct {
	Err     error
	Holders []Holder
	// Opening and Closing connections that the pool itself was still busy with.
	Opening, Closing int
}

// Holder is a connection in somebody's hands.
type Holder struct {
	// Session is the server's connection ID, as in its processlist; "" if
	// unknown.
	Session string
	// Held is for how long.
	Held time.Duration
	// Stack is where it was borrowed, the innermost frame first, as
	// "file:line function"; nil if unknown, for only so many stacks are taken in
	// a second (see Config.HoldWarning).
	Stack []string
}

// Borrower is the innermost frame of the Stack as "file:line", "unknown" without.
func (h Holder) Borrower() string {
	if len(h.Stack) == 0 {
		return "unknown"
	}
	at, _, _ := strings.Cut(h.Stack[0], " ")
	return at
}

func (e *ShutdownError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "pool: shutdown: %v: %d connections still held", e.Err, len(e.Holders))
	for i, h := range e.Holders {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		session := h.Session
		if session == "" {
			session = "unknown"
		}
		fmt.Fprintf(&b, "%ssession %s for %v, borrowed at %s", sep, session, h.Held.Round(time.Millisecond), h.Borrower())
	}
	if e.Opening+e.Closing > 0 {
		fmt.Fprintf(&b, "; %d opening, %d closing", e.Opening, e.Closing)
	}
	return b.String()
}

func (e *ShutdownError) Unwrap() error { return e.Err }

// dialError makes an error fit to be carried to callers: one that matched
// driver.ErrBadConn would make database/sql retry.
func dialError(err error) error {
	if errors.Is(err, driver.ErrBadConn) {
		return errors.New("the server closed the connection while it was being opened")
	}
	return err
}

// connectTimeoutError is a dial that ran out of time. It is not a
// context.DeadlineExceeded: the caller's own context may be well.
type connectTimeoutError struct{ after time.Duration }

func (e *connectTimeoutError) Error() string {
	return fmt.Sprintf("the server did not complete the connect within %v", e.after)
}
func (e *connectTimeoutError) Timeout() bool { return true }
