package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// maxLiterals is how many values a statement has at most that waits for others. One with more, as those of
// imports, pays for a round trip with its size, and is prepared where statements are kept.
const maxLiterals = 4096

// maxScript is how much memory a script keeps for the next: more than some hundred products take.
const maxScript = 512 << 10

// script is statements that wait to be sent to a server together: a round trip costs both sides more than
// many a statement does. Values stand in its text as literals which end nowhere but where they are
// meant to, whatever the server's sql_mode and the connection's character set are.
type script struct{ b []byte }

var scripts = sync.Pool{New: func() any { return new(script) }}

// giveBack keeps the memory of a script that nobody uses any more.
func (s *script) giveBack() {
	if s.b = s.b[:0]; cap(s.b) <= maxScript {
		scripts.Put(s)
	}
}

// add adds a statement with its values. No statement has a question mark that is not a placeholder.
func (s *script) add(query string, args []any) error {
	begun := len(s.b)
	if begun > 0 {
		s.b = append(s.b, "; "...)
	}
	for _, arg := range args {
		before, after, found := strings.Cut(query, "?")
		if !found {
			return s.undo(begun, fmt.Errorf("sqlstore: a statement has fewer placeholders than its %d values", len(args)))
		}
		s.b = append(s.b, before...)
		var err error
		if s.b, err = appendLiteral(s.b, arg); err != nil {
			return s.undo(begun, err)
		}
		query = after
	}
	if strings.Contains(query, "?") {
		return s.undo(begun, fmt.Errorf("sqlstore: a statement has more placeholders than its %d values", len(args)))
	}
	s.b = append(s.b, query...)
	return nil
}

func (s *script) undo(begun int, err error) error {
	s.b = s.b[:begun]
	return err
}

// take returns the script's text and leaves it empty.
func (s *script) take() string {
	text := string(s.b)
	s.b = s.b[:0]
	return text
}

// appendLiteral appends a value. Text that is not plain ASCII, or holds a backslash, which sql_mode
// gives its meaning, is written in hexadecimal, and a quote is doubled.
func appendLiteral(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "NULL"...), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case uint64:
		return strconv.AppendUint(b, v, 10), nil
	case []byte:
		return append(hex.AppendEncode(append(b, "x'"...), v), '\''), nil
	case string:
		if !plainText(v) {
			return append(hex.AppendEncode(append(b, "_utf8mb4 x'"...), []byte(v)), '\''), nil
		}
		b = append(b, '\'')
		for {
			before, after, quote := strings.Cut(v, "'")
			b = append(b, before...)
			if !quote {
				return append(b, '\''), nil
			}
			b = append(b, "''"...)
			v = after
		}
	}
	return b, fmt.Errorf("sqlstore: %T has no literal", v)
}

func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '\\' {
			return false
		}
	}
	return true
}

// later runs a statement without a result some time before the next one that has one, or before flush.
// Where the connections do not take several statements at once, it runs it at once.
func (t *session) later(ctx context.Context, query string, args []any) error {
	if !t.s.abilities.severalStatements {
		_, err := t.ExecContext(ctx, query, args...)
		t.answered = t.answered || !errors.Is(err, driver.ErrBadConn)
		return classify(err)
	}
	if len(args) > maxLiterals || size(args) > t.s.packet() { // literals could make one great row greater than a packet
		if err := t.flush(ctx); err != nil {
			return err
		}
		_, err := t.ExecContext(ctx, query, args...)
		return classify(err)
	}
	if err := t.script.add(query, args); err != nil {
		return err
	}
	if len(t.script.b) > t.s.packet() {
		return t.flush(ctx)
	}
	return nil
}

// flush runs what waits.
func (t *session) flush(ctx context.Context) error {
	if len(t.script.b) == 0 {
		return nil
	}
	_, err := t.ExecContext(ctx, t.script.take())
	t.answered = t.answered || !errors.Is(err, driver.ErrBadConn)
	return classify(err)
}

// QueryContext runs what waits and the query with one round trip. The driver passes over the results
// without rows.
func (t *session) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if len(t.script.b) == 0 {
		return t.Conn.QueryContext(ctx, query, args...)
	}
	if err := t.script.add(query, args); err != nil {
		return nil, err
	}
	rows, err := t.Conn.QueryContext(ctx, t.script.take())
	t.answered = t.answered || !errors.Is(err, driver.ErrBadConn)
	return rows, err
}
