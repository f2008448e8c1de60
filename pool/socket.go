package pool

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// greeting is a server's first packet, read on its way to the driver, which does
// not keep the connection ID.
type greeting struct {
	buf  []byte
	done bool
	seen bool
	id   uint32

	socket socket
}

type greetingKey struct{}

// feed takes the connection's first bytes: a header of 4, the protocol version,
// the server's version as a NUL-terminated string and the ID in 4 bytes
// (MySQL's Protocol::HandshakeV10).
func (g *greeting) feed(b []byte) {
	g.buf = append(g.buf, b...)
	if len(g.buf) < 6 {
		return
	}
	const start = 5
	end := slices.Index(g.buf[start:], 0)
	switch {
	case g.buf[4] != 10: // an error packet, or no MySQL at all
	case end >= 0 && len(g.buf) >= start+end+5:
		g.id, g.seen = binary.LittleEndian.Uint32(g.buf[start+end+1:]), true
	case len(g.buf) < 512:
		return
	}
	g.done, g.buf = true, nil
}

// socket is a net.Conn that the driver's liveness check can look into: it wants
// SyscallConn, and skips the check in silence if that is missing.
type socket interface {
	net.Conn
	syscall.Conn
}

type notingConn struct {
	socket
	g    *greeting
	quit atomic.Bool // the driver has said goodbye; a cancelled call closes from another goroutine

	buf   [readAhead]byte
	ahead []byte // of buf, what the driver has not asked for yet

	asked          atomic.Bool // something was written since the last read; closing TLS writes from another goroutine, too
	readBy, sendBy deadline
}

// readAhead is how much one system call reads. The driver would make one for every 4 KB, three for a list of 20 products.
const readAhead = 32 << 10

// farewell is how long a close waits for the server to hang up after COM_QUIT. One that is busy
// was seen to need more than a tenth of it; meanwhile the connection counts for the cap.
const farewell = time.Second

// quitPacket is COM_QUIT as the driver sends it. Under TLS it is not recognised.
var quitPacket = []byte{1, 0, 0, 0, 1}

func (c *notingConn) Write(b []byte) (int, error) {
	if bytes.Equal(b, quitPacket) {
		c.quit.Store(true)
	}
	c.asked.Store(true)
	return c.socket.Write(b)
}

// Close waits until the server has hung up too, for until it reads the goodbye
// the session counts there, and a connection that takes its place would be one
// too many. The engine closes on a goroutine of its own.
func (c *notingConn) Close() error {
	if c.quit.Load() {
		_ = c.socket.SetReadDeadline(time.Now().Add(farewell))
		_, _ = io.Copy(io.Discard, c.socket)
	}
	return c.socket.Close()
}

func (c *notingConn) Read(b []byte) (int, error) {
	if c.asked.Swap(false) {
		// The answer is not there yet. Whoever is ready to run goes first, and often it has come
		// by then: that saves an attempt in vain, parking and polling, 5 % of a point read.
		runtime.Gosched()
	}
	if len(c.ahead) == 0 {
		n, err := c.socket.Read(c.buf[:])
		if n == 0 {
			return 0, err
		}
		c.ahead = c.buf[:n]
		if !c.g.done {
			c.g.feed(c.ahead)
		}
	}
	n := copy(b, c.ahead)
	c.ahead = c.ahead[n:]
	return n, nil
}

// SetReadDeadline saves most of what the driver asks for, which is a new deadline
// before each read.
func (c *notingConn) SetReadDeadline(t time.Time) error {
	if c.readBy.moves(t) {
		return c.socket.SetReadDeadline(t)
	}
	return nil
}

func (c *notingConn) SetWriteDeadline(t time.Time) error {
	if c.sendBy.moves(t) {
		return c.socket.SetWriteDeadline(t)
	}
	return nil
}

// deadline is one that was set, in nanoseconds since 1970.
type deadline struct{ at atomic.Int64 }

// deadlineStep is by how much a later deadline must be later to be worth setting,
// and so by how much a timeout may come early.
const deadlineStep = 10 * time.Millisecond

// moves reports whether t is to be set, and notes it then.
func (d *deadline) moves(t time.Time) bool {
	next := t.UnixNano()
	if later := time.Duration(next - d.at.Load()); !t.IsZero() && later >= 0 && later < deadlineStep {
		return false
	}
	d.at.Store(next)
	return true
}

// dialNoting dials as the driver would, with keepalives that find a dead peer in
// about 45 s instead of the 150 s of Go's default.
func dialNoting(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 6}}
	nc, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	g, noted := ctx.Value(greetingKey{}).(*greeting)
	s, ok := nc.(socket)
	if !noted || !ok {
		return nc, nil
	}
	g.socket = s
	return &notingConn{socket: s, g: g}, nil
}
