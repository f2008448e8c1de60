package pool

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// server is what the server says about itself.
type server struct {
	version   string
	account   string            // as in mysql.user: shop@%
	vars      map[string]string // of the session, by name in lower case
	status    map[string]string // global
	utcOffset time.Duration     // what NOW() is ahead of UTC
	sessions  []serverSession
	seesAll   bool // the process list is whole
}

// serverSession is a line of the process list with its connection attributes.
type serverSession struct {
	id, user, host, command string
	attrs                   map[string]string
}

func (s serverSession) service() string {
	for _, name := range []string{"service", "program_name", "_client_name"} {
		if v := s.attrs[name]; v != "" {
			return v
		}
	}
	return ""
}

// number is a variable or status value, 0 if the server has none.
func number(values map[string]string, name string) int {
	n, _ := strconv.Atoi(values[name])
	return n
}

// askServer reads what it may and notes in r what it may not. An error means
// that this is no MySQL or MariaDB server, or that it does not answer.
func askServer(ctx context.Context, ask asker, r *Report) (*server, error) {
	rows, err := ask(ctx, "SELECT VERSION(), @@version_comment, CURRENT_USER(), TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())")
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 || len(rows[0]) != 4 {
		return nil, errors.New("the server's answer has an unexpected shape")
	}
	s := &server{version: rows[0][0] + ", " + strings.Trim(rows[0][1], "()"), account: rows[0][2]}
	offset, _ := strconv.Atoi(rows[0][3])
	s.utcOffset = time.Duration(offset) * time.Second
	if s.vars, err = pairs(ask(ctx, `SHOW SESSION VARIABLES WHERE Variable_name IN ('max_connections', 'max_user_connections',
		'wait_timeout', 'time_zone', 'sql_mode', 'character_set_client', 'character_set_connection', 'character_set_results',
		'character_set_database', 'collation_connection', 'collation_database', 'performance_schema')`)); err != nil {
		return nil, err
	}
	if s.status, err = pairs(ask(ctx, `SHOW GLOBAL STATUS WHERE Variable_name IN ('Threads_connected', 'Max_used_connections',
		'Connection_errors_max_connections', 'Uptime')`)); err != nil {
		return nil, err
	}
	if err := s.askSessions(ctx, ask, r); err != nil {
		return nil, err
	}
	return s, nil
}

// pairs makes a map of rows of two columns.
func pairs(rows [][]string, err error) (map[string]string, error) {
	m := make(map[string]string, len(rows))
	for _, row := range rows {
		m[strings.ToLower(row[0])] = row[1]
	}
	return m, err
}

func (s *server) askSessions(ctx context.Context, ask asker, r *Report) error {
	// A table that only PROCESS opens. SHOW GRANTS would need roles resolved, and
	// shows MariaDB's password hashes.
	_, err := ask(ctx, "SELECT 1 FROM information_schema.INNODB_CMP LIMIT 1")
	switch s.seesAll = err == nil; {
	case denied(err):
		r.omit("other accounts' connections", "the process list shows only the account's own: "+err.Error(), s.grant("PROCESS ON *.*"))
	case err != nil:
		return err
	}
	rows, err := ask(ctx, "SHOW PROCESSLIST")
	if err != nil {
		return err
	}
	attrs, err := s.askAttributes(ctx, ask, r)
	if err != nil {
		return err
	}
	for _, row := range rows {
		host, _, err := net.SplitHostPort(row[2])
		if err != nil {
			host = row[2]
		}
		one := serverSession{id: row[0], user: row[1], host: host, command: row[4], attrs: attrs[row[0]]}
		if one.command != "Daemon" && one.user != "system user" { // threads of the server itself
			s.sessions = append(s.sessions, one)
		}
	}
	return nil
}

// askAttributes returns the connection attributes by process list ID.
func (s *server) askAttributes(ctx context.Context, ask asker, r *Report) (map[string]map[string]string, error) {
	const subject = "services and processes behind the connections"
	if s.vars["performance_schema"] != "ON" {
		r.omit(subject, "performance_schema is off, as it is by default on MariaDB: connections are told apart by user and host only, and processes are not counted",
			"start the server with performance_schema=ON")
		return nil, nil
	}
	const columns = "SELECT PROCESSLIST_ID, ATTR_NAME, ATTR_VALUE FROM performance_schema."
	const where = " WHERE ATTR_NAME IN ('service', 'program_name', '_client_name', '_pid')"
	rows, err := ask(ctx, columns+"session_connect_attrs"+where)
	if denied(err) {
		r.omit(subject+" of other accounts", err.Error(), s.grant("SELECT ON performance_schema.session_connect_attrs"))
		rows, err = ask(ctx, columns+"session_account_connect_attrs"+where)
		if denied(err) {
			r.omit(subject, err.Error(), s.grant("SELECT ON performance_schema.session_account_connect_attrs"))
			return nil, nil
		}
	}
	attrs := map[string]map[string]string{}
	for _, row := range rows {
		if attrs[row[0]] == nil {
			attrs[row[0]] = map[string]string{}
		}
		attrs[row[0]][row[1]] = row[2]
	}
	return attrs, err
}

// grant is the statement that gives the account a right.
func (s *server) grant(right string) string {
	user, host := s.account, "%"
	if i := strings.LastIndexByte(s.account, '@'); i >= 0 {
		user, host = s.account[:i], s.account[i+1:]
	}
	quote := func(name string) string { return "'" + strings.ReplaceAll(name, "'", "''") + "'" }
	return "GRANT " + right + " TO " + quote(user) + "@" + quote(host)
}

// denied tells a missing right from other errors.
func denied(err error) bool {
	my, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return false
	}
	switch my.Number {
	case 1044, 1142, 1143, 1227: // database, table, column, privilege
		return true
	}
	return false
}
