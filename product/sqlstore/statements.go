package sqlstore

import (
	"context"
	"database/sql"
	"sync"
)

// statements keeps reading statements prepared on SQLite, where preparing one takes as long as
// running it. On servers the pool does so, or the host's driver.
//
// What it prepares is closed with the [sql.DB], for it takes no connection. It is safe for concurrent use.
type statements struct {
	*sql.DB

	mu     sync.Mutex
	byText map[string]*statement
	clock  uint64
}

// maxStatements is how many texts are kept prepared, on every connection: some 10 KB each. A list
// has a text for each combination of filters.
const maxStatements = 100

// statement is what one text has been prepared to.
type statement struct {
	*sql.Stmt
	used  uint64 // when, by the clock
	users int    // calls that are under way
	left  bool   // no longer kept: its last user closes it
}

// QueryContext is [sql.DB.QueryContext].
func (s *statements) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	st, err := s.borrow(ctx, query)
	if err != nil {
		return nil, err
	}
	defer s.giveBack(st) // rows that are still read keep it open
	return st.QueryContext(ctx, args...)
}

// borrow returns the prepared statement of a text, to be given back.
func (s *statements) borrow(ctx context.Context, text string) (*statement, error) {
	if st := s.known(text); st != nil {
		return st, nil
	}
	prepared, err := s.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &statement{Stmt: prepared, users: 1, used: s.clock}
	if s.byText[text] != nil { // somebody else was sooner
		st.left = true
		return st, nil
	}
	if s.byText == nil {
		s.byText = make(map[string]*statement)
	}
	if len(s.byText) >= maxStatements {
		s.leaveOldest()
	}
	s.byText[text] = st
	return st, nil
}

func (s *statements) known(text string) *statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock++
	st := s.byText[text]
	if st != nil {
		st.used = s.clock
		st.users++
	}
	return st
}

// leaveOldest makes room.
func (s *statements) leaveOldest() {
	var text string
	var oldest *statement
	for t, st := range s.byText {
		if oldest == nil || st.used < oldest.used {
			text, oldest = t, st
		}
	}
	delete(s.byText, text)
	oldest.left = true
	if oldest.users == 0 {
		_ = oldest.Close()
	}
}

func (s *statements) giveBack(st *statement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.users--; st.left && st.users == 0 {
		_ = st.Close()
	}
}
