package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
)

// Abilities is what [New] found out about the database: its version, those settings of one of
// the host's connections that the store depends on, and what is wrong with them.
type Abilities struct {
	Engine   Engine
	Settings map[string]string // by the database's own names, in its own words
	Findings []Finding

	severalStatements bool // go to a server in one text, as multiStatements=true in the data source name allows
}

// Finding is a setting that does harm. A fatal one makes [New] and [Migrate] fail; New logs the
// others as warnings.
type Finding struct {
	Setting string
	Value   string
	Problem string // what follows from it, and the remedy
	Fatal   bool
}

func (a *Abilities) find(fatal bool, setting, format string, args ...any) {
	a.Findings = append(a.Findings, Finding{Setting: setting, Value: a.Settings[setting], Problem: fmt.Sprintf(format, args...), Fatal: fatal})
}

// err returns one sentence for each fatal finding.
func (a *Abilities) err() error {
	var errs []error
	for _, f := range a.Findings {
		if f.Fatal {
			errs = append(errs, fmt.Errorf("sqlstore: %s", f.Problem))
		}
	}
	return errors.Join(errs...)
}

func (a *Abilities) log(to *slog.Logger) {
	to.Info("sqlstore: the database is "+a.Engine.String(), "findings", len(a.Findings))
	for _, f := range a.Findings {
		to.Warn("sqlstore: "+f.Problem, f.Setting, f.Value)
	}
}

// probe finds out which database this is and what it is able to do. Its error is also that of
// the fatal findings.
func probe(ctx context.Context, q querier) (*Abilities, error) {
	engine, err := identify(ctx, q)
	if err != nil {
		return nil, err
	}
	a := &Abilities{Engine: engine, Settings: make(map[string]string)}
	read, judge := a.readServer, a.judgeServer
	if engine.Dialect == SQLite {
		read, judge = a.readSQLite, a.judgeSQLite
	}
	if err := read(ctx, q); err != nil {
		return nil, fmt.Errorf("sqlstore: asking the database for its settings: %w", classify(err))
	}
	judge()
	return a, a.err()
}

// serverSettings are read by SHOW, which leaves out those that a server does not have; naming
// one in a SELECT would be an error there.
const serverSettings = "SHOW SESSION VARIABLES WHERE Variable_name IN ('character_set_client', 'autocommit', 'max_allowed_packet', " +
	"'sql_mode', 'sql_select_limit', 'binlog_format', 'log_bin', 'sql_log_bin', 'read_only', 'super_read_only', 'innodb_read_only', " +
	"'transaction_read_only', 'tx_read_only', 'innodb_flush_log_at_trx_commit', 'wsrep_on')"

func (a *Abilities) readServer(ctx context.Context, q querier) error {
	var schema sql.NullString
	if err := q.QueryRowContext(ctx, "SELECT DATABASE()").Scan(&schema); err != nil {
		return err
	}
	a.Settings["database"] = schema.String
	a.severalStatements = severalStatements(ctx, q)
	return a.readPairs(ctx, q, serverSettings, func(name, value string) { a.Settings[name] = value })
}

// severalStatements finds out whether the connections take several statements at once. Whatever the
// error is: one by one they work too.
func severalStatements(ctx context.Context, q querier) bool {
	_, err := q.ExecContext(ctx, "DO 0; DO 0")
	return err == nil
}

func (a *Abilities) readPairs(ctx context.Context, q querier, query string, each func(x, y string), args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var x, y string
		if err := rows.Scan(&x, &y); err != nil {
			return err
		}
		each(x, y)
	}
	return rows.Err()
}

// minPacket holds the greatest product, its change record and its idempotency record, escaped.
const minPacket = 4 << 20

func (a *Abilities) judgeServer() {
	s := a.Settings
	on := func(name string) bool { return s[name] == "ON" || s[name] == "1" }
	if set := s["character_set_client"]; set != "utf8mb4" {
		a.find(true, "character_set_client", "the connections' character set is %s, which damages text; set charset=utf8mb4 in the data source name", set)
	}
	if s["database"] == "" {
		a.find(true, "database", "no database is selected; name one in the data source name")
	}
	if !on("autocommit") {
		a.find(true, "autocommit", "autocommit is off on the connections, so reads would stay at an old snapshot; turn it on")
	}
	if most, err := strconv.ParseUint(s["sql_select_limit"], 10, 64); err == nil && most < 1<<32-1 {
		a.find(true, "sql_select_limit", "sql_select_limit is %d on the connections, which cuts results off in silence; set it to DEFAULT", most)
	}
	if on("log_bin") && on("sql_log_bin") && s["binlog_format"] == "STATEMENT" {
		a.find(true, "binlog_format", "binlog_format is STATEMENT, with which the server refuses every write under READ COMMITTED (error 1665); set it to ROW")
	}
	if n, err := strconv.Atoi(s["max_allowed_packet"]); err == nil && n < minPacket {
		a.find(false, "max_allowed_packet", "max_allowed_packet is %d bytes, in which the greatest products do not fit; set it to 16M or more", n)
	}
	if !strings.Contains(s["sql_mode"], "STRICT_") {
		a.find(false, "sql_mode", "sql_mode is not strict, so whatever did not fit a column would be cut in silence; Productkit checks lengths before, other writers may not; add STRICT_TRANS_TABLES")
	}
	for _, name := range []string{"read_only", "super_read_only", "innodb_read_only", "transaction_read_only", "tx_read_only"} {
		if on(name) {
			a.find(false, name, "%s is on, as on a replica, so writes will be refused; connect to the primary, or turn it off", name)
		}
	}
	if flush := s["innodb_flush_log_at_trx_commit"]; flush != "1" && flush != "" {
		a.find(false, "innodb_flush_log_at_trx_commit", "innodb_flush_log_at_trx_commit is %s, so a power cut can undo the acknowledged writes of a second; set it to 1", flush)
	}
	if on("wsrep_on") {
		a.find(false, "wsrep_on", "this is a Galera cluster, on which the change feed is in order only if all instances write to one node; send them to the same one")
	}
	if version := strings.ToLower(a.Engine.Version); strings.Contains(version, "tidb") || strings.Contains(version, "vitess") {
		a.find(false, "version", "%s is no server that Productkit is tested on; use MySQL or MariaDB, or run package storetest on it first", a.Engine.Version)
	}
}

func (a *Abilities) readSQLite(ctx context.Context, q querier) error {
	for _, name := range []string{"journal_mode", "synchronous", "busy_timeout", "encoding", "query_only"} {
		var value string
		if err := q.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value); err != nil {
			return err
		}
		a.Settings[name] = value
	}
	var file string
	err := q.QueryRowContext(ctx, "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&file)
	a.Settings["file"] = file
	return err
}

func (a *Abilities) judgeSQLite() {
	s := a.Settings
	if s["encoding"] != "UTF-8" {
		a.find(true, "encoding", "the SQLite file's encoding is %s, in which text is not in the order of its characters; make a new file, whose default is UTF-8", s["encoding"])
	}
	if s["journal_mode"] == "off" {
		a.find(true, "journal_mode", "journal_mode is off, without which SQLite cannot roll back; set journal_mode=wal")
	}
	if s["query_only"] != "0" {
		a.find(false, "query_only", "query_only is on, so writes will be refused; turn it off")
	}
	if s["file"] == "" {
		return // in memory
	}
	if mode := s["journal_mode"]; mode != "wal" && mode != "off" {
		a.find(false, "journal_mode", "readers and writers of this SQLite file block each other; set journal_mode=wal")
	}
	if level := s["synchronous"]; level == "0" || level == "1" {
		a.find(false, "synchronous", "a power cut can undo acknowledged writes; set synchronous=full")
	}
	if s["busy_timeout"] == "0" {
		a.find(false, "busy_timeout", "another process's lock on the SQLite file fails calls at once; set busy_timeout=5000")
	}
}

// probeTables looks at how a server keeps the tables, which a dump that was read back or a tool
// may have changed.
func (a *Abilities) probeTables(ctx context.Context, q querier, prefix string) error {
	if a.Engine.Dialect == SQLite {
		return nil
	}
	err := a.readPairs(ctx, q, "SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND ENGINE <> 'InnoDB' AND LEFT(TABLE_NAME, ?) = ?",
		func(table, engine string) {
			a.find(true, "engine", "the table %s is kept by %s, which may have no transactions; ALTER TABLE %s ENGINE=InnoDB", table, engine, table)
		}, len(prefix), prefix)
	if err == nil {
		err = a.readPairs(ctx, q, "SELECT COLUMN_NAME, COLLATION_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND COLUMN_NAME <> 'name' AND RIGHT(COLLATION_NAME, 4) <> '_bin'",
			func(column, collation string) {
				a.find(true, "collation", "the column %s of %sproducts has the collation %s, so that different texts are taken for equal; give it back the binary one of sqlstore.Migrations", column, prefix, collation)
			}, prefix+"products")
	}
	if err != nil {
		return fmt.Errorf("sqlstore: asking the database for its tables: %w", classify(err))
	}
	return a.err()
}
