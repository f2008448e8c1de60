package main

import (
	"bytes"
	"io"
	"net"
	"strconv"
	"sync"
)

// gathering is a listener whose connections send an answer of more than net/http's buffer of 4 KB, as that to
// a list is, by one system call instead of two, of which the client's machine takes note twice, too.
type gathering struct{ net.Listener }

func (l gathering) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &gatherer{Conn: c}, nil
}

// gatherer keeps the first block of an answer until the next one comes, if the answer's own
// Content-Length says that there is one. What is to be read soon is not delayed: a stream says no length.
type gatherer struct {
	net.Conn
	held *[block]byte // is written before anything else; may be nil
}

// block is what net/http writes when its buffer is full.
const block = 4 << 10

var blocks = sync.Pool{New: func() any { return new([block]byte) }}

// longestGathered is the longest answer that is worth while.
const longestGathered = 64 << 10

// Write implements [net.Conn].
func (g *gatherer) Write(b []byte) (int, error) {
	if g.held == nil && len(b) == block && continues(b) {
		g.held = blocks.Get().(*[block]byte)
		return copy(g.held[:], b), nil
	}
	if g.held == nil {
		return g.Conn.Write(b)
	}
	both := net.Buffers{g.held[:], b}
	n, err := both.WriteTo(g.Conn)
	blocks.Put(g.held)
	g.held = nil
	return int(max(0, n-block)), err
}

// ReadFrom lets the kernel copy files, as it does for a connection as such.
func (g *gatherer) ReadFrom(from io.Reader) (n int64, err error) {
	if g.held != nil {
		_, err = g.Write(nil)
	}
	if err != nil {
		return 0, err
	}
	return io.Copy(g.Conn, from)
}

// CloseWrite lets net/http end its side first where a client still sends, so that the answer is not lost
// (RFC 9112, section 9.6).
func (g *gatherer) CloseWrite() error {
	if c, ok := g.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// Close sends what is held of an answer that was broken off.
func (g *gatherer) Close() error {
	if g.held != nil {
		_, _ = g.Write(nil)
	}
	return g.Conn.Close()
}

// continues reports whether b is the beginning of an answer that says to be longer.
func continues(b []byte) bool {
	if !bytes.HasPrefix(b, []byte("HTTP/1.1 200 ")) {
		return false
	}
	header, body, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	_, rest, found := bytes.Cut(header, []byte("\r\nContent-Length: "))
	if !ok || !found {
		return false
	}
	digits, _, _ := bytes.Cut(rest, []byte("\r\n"))
	length, err := strconv.Atoi(string(digits))
	return err == nil && length > len(body) && length <= longestGathered
}
