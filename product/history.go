package product

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"
)

// HistoryQuery selects a page of a product's history. Its zero value is the first page.
type HistoryQuery struct {
	Limit  int    // default [DefaultLimit]; above [MaxLimit] is clamped
	Cursor string // [HistoryPage].Next of the page before; empty for the first page
}

// HistoryPage is one page of a product's history.
type HistoryPage struct {
	Changes []Change
	Next    string // the cursor of the next page; empty on the last one
}

// HistoryPosition is the place of one change in its product's history: those of the product come
// first, then those of its stock, each by version.
type HistoryPosition struct {
	Stock   bool
	Version int64
}

// History returns a page of what happened to a product, deleted or not: its own changes by
// version, then those of its stock by version. A change that comes while the pages are read is
// on one of them, or after the last one.
//
// Errors: [InvalidError], [ErrBadCursor], [ErrNotFound] for a product that never was, and as
// [Service.Lookup].
func (s *Service) History(ctx context.Context, id uuid.UUID, q HistoryQuery) (HistoryPage, error) {
	var f faults
	limit := f.limit(q.Limit)
	if err := f.err(); err != nil {
		return HistoryPage{}, err
	}
	after, err := parseHistoryCursor(q.Cursor, id)
	if err != nil {
		return HistoryPage{}, err
	}
	bounded, cancel, err := s.direct(ctx)
	if err != nil {
		return HistoryPage{}, err
	}
	defer cancel()
	changes, err := s.store.History(bounded, id, after, limit+1) // one more tells whether another page follows
	switch {
	case err != nil:
		return HistoryPage{}, err
	case len(changes) == 0 && after == nil:
		_, err := s.Get(ctx, id)
		return HistoryPage{}, err
	case len(changes) <= limit:
		return HistoryPage{Changes: changes}, nil
	}
	last := &changes[limit-1]
	next := historyCursor(id, HistoryPosition{Stock: last.Kind == ChangeStock, Version: last.Version})
	return HistoryPage{Changes: changes[:limit], Next: next}, nil
}

// A cursor of a history is, in URL-safe base64 (RFC 4648, section 5):
//
//	1 byte    the form of the cursor, which no other kind of cursor has
//	16 bytes  the product's ID
//	1 byte    1 within the changes of the stock, else 0
//	varint    the version
const historyCursorForm = 2

func historyCursor(id uuid.UUID, at HistoryPosition) string {
	b := append([]byte{historyCursorForm}, id[:]...)
	b = append(b, 0)
	if at.Stock {
		b[len(b)-1] = 1
	}
	return base64.RawURLEncoding.EncodeToString(binary.AppendVarint(b, at.Version))
}

func parseHistoryCursor(cursor string, id uuid.UUID) (*HistoryPosition, error) {
	if cursor == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) < 1+16+1+1 || b[0] != historyCursorForm || b[17] > 1 {
		return nil, fmt.Errorf("%w: it is damaged; begin again without one", ErrBadCursor)
	}
	version, n := binary.Varint(b[18:])
	switch {
	case n != len(b)-18:
		return nil, fmt.Errorf("%w: it is damaged; begin again without one", ErrBadCursor)
	case uuid.UUID(b[1:17]) != id:
		return nil, fmt.Errorf("%w: it belongs to another product's history", ErrBadCursor)
	}
	return &HistoryPosition{Stock: b[17] == 1, Version: version}, nil
}
