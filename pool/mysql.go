package pool

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
)

// mysqlConnector opens connections of a DSN and tells the pool their sessions.
type mysqlConnector struct {
	driver.Connector
	log *slog.Logger
}

func newMySQLConnector(cfg Config) (*mysqlConnector, error) {
	d, err := ParseDSN(cfg.DSN)
	if err != nil {
		return nil, err
	}
	my := d.config
	my.Logger = driverLog{cfg.Logger}
	for _, k := range slices.Sorted(maps.Keys(cfg.Attributes)) {
		if my.ConnectionAttributes != "" {
			my.ConnectionAttributes += ","
		}
		my.ConnectionAttributes += k + ":" + cfg.Attributes[k]
	}
	// Networks of mysql.RegisterDialContext keep their own dial function; their
	// connections have no known session.
	switch my.Net {
	case "tcp", "tcp4", "tcp6", "unix":
		my.DialFunc = dialNoting
	}
	c, err := mysql.NewConnector(my)
	if err != nil {
		return nil, d.fault(err)
	}
	return &mysqlConnector{Connector: c, log: cfg.Logger}, nil
}

// Connect notes the session if the connection goes straight to a server: the
// connection ID in the greeting is then the one that the server itself reports.
// A proxy greets with an ID of its own, and to KILL that, or the ID that happens
// to be behind it, could hit a stranger.
func (c *mysqlConnector) Connect(ctx context.Context) (driver.Conn, error) {
	g := new(greeting)
	ci, err := c.Connector.Connect(context.WithValue(ctx, greetingKey{}, g))
	if err == nil && g.socket != nil {
		noteCut(ctx, func() { g.socket.Close() })
	}
	if err != nil || !g.seen {
		return ci, err
	}
	text, err := queryText(ctx, ci, "SELECT CONCAT_WS('/', CONNECTION_ID(), "+serverName+")")
	if err != nil {
		if ctx.Err() != nil || !newConn(ci).valid() {
			ci.Close()
			return nil, err
		}
		c.log.Debug("pool: no session IDs from this server; cancelled statements will not be ended", "error", err)
		return ci, nil
	}
	idText, server, _ := strings.Cut(text, "/")
	id, err := strconv.ParseUint(idText, 10, 64)
	if err == nil && uint32(id) == g.id {
		NoteSession(ctx, &mysqlSession{id: id, server: server})
	}
	return ci, nil
}

// serverName tells servers behind one address apart. @@server_uuid would be
// better, but MariaDB has none.
const serverName = "@@hostname, @@port, @@server_id"

// mysqlSession is a connection of a MySQL or MariaDB server.
type mysqlSession struct {
	id     uint64
	server string
}

func (s *mysqlSession) String() string { return strconv.FormatUint(s.id, 10) }

// End kills the connection. A user may kill its own without any privilege.
func (s *mysqlSession) End(ctx context.Context, via driver.Conn) (gone bool, err error) {
	server, err := queryText(ctx, via, "SELECT CONCAT_WS('/', "+serverName+")")
	if err != nil {
		return false, err
	}
	if server != s.server {
		return false, fmt.Errorf("the health lane is connected to another server (%s) than session %d (%s)", server, s.id, s.server)
	}
	execer, ok := via.(driver.ExecerContext)
	if !ok {
		return false, fmt.Errorf("%T has no ExecContext", via)
	}
	_, err = execer.ExecContext(ctx, "KILL CONNECTION "+s.String(), nil)
	if my, ok := errors.AsType[*mysql.MySQLError](err); ok && my.Number == 1094 { // unknown thread
		return true, nil
	}
	return false, err
}

// queryText returns the first column of a query's first row.
func queryText(ctx context.Context, ci driver.Conn, query string) (string, error) {
	rows, err := queryRows(ctx, ci, query)
	if err != nil {
		return "", err
	}
	if len(rows) == 0 || len(rows[0]) == 0 {
		return "", errors.New("the query returned nothing")
	}
	return rows[0][0], nil
}

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
}

// farewell is how long a close waits for the server to hang up after COM_QUIT.
const farewell = 100 * time.Millisecond

// quitPacket is COM_QUIT as the driver sends it. Under TLS it is not recognised.
var quitPacket = []byte{1, 0, 0, 0, 1}

func (c *notingConn) Write(b []byte) (int, error) {
	if bytes.Equal(b, quitPacket) {
		c.quit.Store(true)
	}
	return c.socket.Write(b)
}

// Close waits until the server has hung up too, for until it reads the goodbye
// the session counts there, and a connection that takes its place would be one
// too many. The engine closes on a goroutine of its own.
func (c *notingConn) Close() error {
	if c.quit.Load() {
		_ = c.SetReadDeadline(time.Now().Add(farewell))
		_, _ = io.Copy(io.Discard, c.socket)
	}
	return c.socket.Close()
}

func (c *notingConn) Read(b []byte) (int, error) {
	n, err := c.socket.Read(b)
	if !c.g.done {
		c.g.feed(b[:n])
	}
	return n, err
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

// driverLog passes the driver's messages on.
type driverLog struct{ log *slog.Logger }

func (l driverLog) Print(v ...any) { l.log.Debug("pool: driver: " + fmt.Sprint(v...)) }
