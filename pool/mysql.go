package pool

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
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
		noteMySQL(ctx, func() { g.socket.Close() })
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
		NoteSession(ctx, &mysqlSession{id: id, server: server, made: time.Now()})
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
	made   time.Time
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
	uptime, err := queryUptime(ctx, via)
	if err != nil {
		return false, err
	}
	if uptime < time.Since(s.made) {
		return true, nil // the server was started anew, and counts its connections from the beginning
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

// queryUptime returns for how long the server has been running, rounded up to a second.
func queryUptime(ctx context.Context, ci driver.Conn) (time.Duration, error) {
	rows, err := queryRows(ctx, ci, "SHOW GLOBAL STATUS LIKE 'Uptime'")
	if err != nil {
		return 0, err
	}
	if len(rows) == 0 || len(rows[0]) < 2 {
		return 0, errors.New("the server does not tell its uptime")
	}
	seconds, err := strconv.ParseInt(rows[0][1], 10, 64)
	return time.Duration(seconds+1) * time.Second, err
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

// driverLog passes the driver's messages on.
type driverLog struct{ log *slog.Logger }

func (l driverLog) Print(v ...any) { l.log.Debug("pool: driver: " + fmt.Sprint(v...)) }
