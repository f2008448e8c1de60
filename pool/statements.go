package pool

import (
	"context"
	"database/sql/driver"
	"errors"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	// maxStatementText keeps batches out of the cache: their texts are seldom
	// twice the same, and they pay for a round trip with their size anyway.
	maxStatementText = 8 << 10

	// seenTexts is how many texts a connection remembers having seen once: the
	// last ones, whatever their hashes, for two that shared a slot would push each
	// other out at every use.
	seenTexts = 256

	// statementsPause is how long no pool prepares anything after the server has
	// run out of prepared statements (its max_prepared_stmt_count).
	statementsPause = time.Minute
)

// statements are the prepared statements that one connection keeps, so that a
// query with arguments costs one round trip: execute, instead of prepare, execute
// and close.
//
// A text is prepared the second time it is seen, for those that come once would
// only push the others out. When the cache is full the least recently used
// statement gives way, but only if it has not been used for a while: otherwise
// more texts than fit would each be prepared over and over. What is not cached
// takes the driver's own path, which for a DSN is one round trip too.
//
// It belongs to the connection's holder.
type statements struct {
	size  int // 0 is off
	byKey map[string]*statement
	seen  [seenTexts]uint32 // a ring of hashes
	next  uint8             // of seen, the oldest
	clock uint64

	hits, misses, prepared, evicted uint64 // since they were last counted
}

// statement is one entry; without stmt it is a text that the server refuses to
// prepare or to execute so.
type statement struct {
	text   string
	stmt   driver.Stmt
	exec   driver.StmtExecContext
	query  driver.StmtQueryContext
	params int
	used   uint64

	// A caller's own prepared statement on the same text borrows stmt.
	borrowed int
	left     driver.Stmt // to be closed when it has been given back
}

var textSeed = maphash.MakeSeed()

// find returns the prepared statement for text, nil if there is none. admit says
// that it has been seen before and may be prepared.
func (s *statements) find(text string) (st *statement, admit bool) {
	s.clock++
	if st = s.byKey[text]; st != nil {
		st.used = s.clock
		return st, false
	}
	if len(text) > maxStatementText {
		return nil, false
	}
	sum := uint32(maphash.String(textSeed, text)) | 1 // 0 is an empty place
	if !slices.Contains(s.seen[:], sum) {
		s.seen[s.next] = sum
		s.next++ // around at seenTexts
		return nil, false
	}
	return nil, s.makeRoom()
}

// makeRoom reports whether one more statement fits.
func (s *statements) makeRoom() bool {
	if len(s.byKey) < s.size {
		return true
	}
	var oldest *statement
	for _, st := range s.byKey {
		if st.borrowed == 0 && (oldest == nil || st.used < oldest.used) {
			oldest = st
		}
	}
	if oldest == nil || s.clock-oldest.used <= 4*uint64(s.size) {
		return false
	}
	s.drop(oldest)
	s.evicted++
	return true
}

func (s *statements) add(st *statement) {
	if s.byKey == nil {
		s.byKey = make(map[string]*statement, s.size)
	}
	// Those who build their SQL may hand out pieces of larger strings.
	st.text = strings.Clone(st.text)
	st.used = s.clock
	s.byKey[st.text] = st
}

// drop closes st on the server, which sends no answer to that.
func (s *statements) drop(st *statement) {
	delete(s.byKey, st.text)
	s.refuse(st)
}

func (s *statements) dropAll() {
	for _, st := range s.byKey {
		s.drop(st)
	}
}

// refuse has st without its prepared statement: the text cannot be served.
func (s *statements) refuse(st *statement) {
	switch {
	case st.stmt == nil:
	case st.borrowed > 0:
		st.left, st.stmt = st.stmt, nil
	default:
		st.stmt.Close()
		st.stmt = nil
	}
}

func (st *statement) giveBack() error {
	if st.borrowed--; st.borrowed > 0 || st.left == nil {
		return nil
	}
	left := st.left
	st.left = nil
	return left.Close()
}

// borrow returns the cached statement for a caller that prepares query itself:
// to database/sql every connection is new, so it prepares again on every use.
func (h *handle) borrow(ctx context.Context, query string) (*statement, error) {
	s := &h.c.statements
	if s.size == 0 {
		return nil, nil
	}
	st, admit := s.find(query)
	if admit {
		var err error
		if st, err = h.prepare(ctx, query); err != nil {
			return nil, err
		}
	}
	if st == nil || st.stmt == nil {
		s.misses++
		return nil, nil
	}
	s.hits++
	st.borrowed++
	return st, nil
}

// statement returns the cached statement to run query with, nil if the driver
// shall run it its own way. An error means that the connection broke before
// anything ran.
func (h *handle) statement(ctx context.Context, query string, args []driver.NamedValue) (*statement, error) {
	s := &h.c.statements
	if s.size == 0 {
		return nil, nil
	}
	if len(args) == 0 {
		if len(s.byKey) > 0 && changesMeaning(query) {
			s.dropAll()
		}
		return nil, nil
	}
	st, admit := s.find(query)
	if admit {
		var err error
		if st, err = h.prepare(ctx, query); err != nil {
			return nil, err
		}
	}
	if st == nil || st.stmt == nil || st.params != len(args) {
		s.misses++
		return nil, nil
	}
	s.hits++
	return st, nil
}

// prepare adds query to the cache. It returns nil and no error if the server
// does not want it there.
func (h *handle) prepare(ctx context.Context, query string) (*statement, error) {
	if !h.e.mayPrepare() {
		return nil, nil
	}
	s := &h.c.statements
	stmt, err := h.c.preparer.PrepareContext(ctx, query)
	if my, ok := errors.AsType[*mysql.MySQLError](err); ok {
		if my.Number == 1461 { // max_prepared_stmt_count
			h.e.pausePreparing(err)
		} else {
			s.add(&statement{text: query})
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	st := &statement{text: query, stmt: stmt, params: stmt.NumInput()}
	st.exec, _ = stmt.(driver.StmtExecContext)
	st.query, _ = stmt.(driver.StmtQueryContext)
	s.add(st)
	if st.exec == nil || st.query == nil {
		s.refuse(st)
		return nil, nil
	}
	s.prepared++
	return st, nil
}

// turnedAway reports whether err says that the server did not start to execute
// st, so that the driver's own path can.
func (s *statements) turnedAway(st *statement, err error) bool {
	if err == nil {
		return false
	}
	my, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return false
	}
	switch my.Number {
	case 1615, // tables changed: prepared anew at the next use
		1243: // no such statement: the session was reset
		s.drop(st)
		return true
	case 1210, // an argument of a type that fits only as text, such as LIMIT 10.0
		1295: // not supported for prepared statements
		s.refuse(st)
		return true
	}
	return false
}

// changesMeaning tells whether a statement without arguments can change what the
// prepared ones mean: they keep the database and the SQL mode that they were
// prepared under.
func changesMeaning(query string) bool {
	query = strings.TrimLeft(query, " \t\r\n(")
	if len(query) < 4 {
		return false
	}
	switch strings.ToLower(query[:3]) {
	case "use":
		return true
	case "set":
		return namesMode(query)
	}
	return query[0] == '/' || query[0] == '-' || query[0] == '#' // a comment may hide either
}

// namesMode tells whether sql_mode is in a text, which may be that of many statements: it copies nothing.
func namesMode(text string) bool {
	const before, behind = "sql", "_mode"
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], '_')
		if i < 0 {
			return false
		}
		at += i
		if at >= len(before) && at+len(behind) <= len(text) && strings.EqualFold(text[at-len(before):at+len(behind)], before+behind) {
			return true
		}
	}
}

func (e *engine) mayPrepare() bool {
	until := e.preparePause.Load()
	return until == 0 || time.Since(e.epoch) >= time.Duration(until)
}

// pausePreparing has all connections do without until others may have given
// statements back.
func (e *engine) pausePreparing(err error) {
	until := int64(time.Since(e.epoch) + statementsPause)
	before := e.preparePause.Swap(until)
	if time.Duration(until-before) > statementsPause/2 {
		e.log.Warn("pool: the server has no prepared statements to spare; going on without; raise max_prepared_stmt_count or lower StatementCache", "error", err)
	}
}
