package product

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// A cursor is, in URL-safe base64 (RFC 4648, section 5):
//
//	1 byte    the form of the cursor: what follows the product, or what comes before it
//	8 bytes   of SHA-256 over filter and sort, which tie it to its list
//	16 bytes  the ID of the page's last product, or of its first
//	varint    Position.Int
//	rest      Position.Text
const (
	cursorForward  = 1
	cursorBackward = 2
)

// digest stands for q's filter and order. It is that of what fmt makes of the parts with %q.
func (q *Query) digest() [8]byte {
	b := make([]byte, 0, 256)
	for i, part := range [...]string{
		string(q.Status), q.Category, q.Tag, q.Vendor, q.Group, q.SKUPrefix, q.Currency,
		optional(q.PriceMin), optional(q.PriceMax), optional(q.InStock), optional(q.Published),
		q.UpdatedSince.UTC().Format(time.RFC3339Nano), strconv.FormatBool(q.Deleted), string(q.Sort), q.Text,
	} {
		b = append(b, "[ "[min(i, 1)])
		b = strconv.AppendQuote(b, part)
	}
	sum := sha256.Sum256(append(b, ']'))
	return [8]byte(sum[:8])
}

func optional[T any](v *T) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(*v)
}

// cursors makes and reads those of one query.
type cursors struct {
	*Query
	digest [8]byte
}

func (q *Query) cursors() cursors { return cursors{q, q.digest()} }

// next returns the cursor of the page that follows last.
func (q cursors) next(last *Product) string {
	position := q.Sort.position(last)
	if q.ranked() {
		position.Int = int64(q.Limit)
		if q.After != nil {
			position.Int += q.After.Int
		}
	}
	return q.encode(cursorForward, position)
}

// previous returns the cursor of the page that comes before first; empty if that is known to be
// the first of all. Of ranked products it is a place in the ranking, for which no product stands.
func (q cursors) previous(first *Product) string {
	if !q.ranked() {
		return q.encode(cursorBackward, q.Sort.position(first))
	}
	if q.After == nil || q.After.Int == 0 {
		return ""
	}
	return q.encode(cursorForward, Position{Int: max(0, q.After.Int-int64(q.Limit))})
}

func (q cursors) encode(form byte, position Position) string {
	b := make([]byte, 0, 1+len(q.digest)+len(position.ID)+binary.MaxVarintLen64+len(position.Text))
	b = append(append(b, form), q.digest[:]...)
	b = append(b, position.ID[:]...)
	b = binary.AppendVarint(b, position.Int)
	b = append(b, position.Text...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor returns the position that q.Cursor stands for, nil if there is none, and whether what
// comes before it is wanted.
func (q cursors) parseCursor() (at *Position, backward bool, err error) {
	if q.Cursor == "" {
		return nil, false, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	switch {
	case err != nil || len(b) < 1+len(q.digest)+16+1 || b[0] != cursorForward && (b[0] != cursorBackward || q.ranked()):
		return nil, false, fmt.Errorf("%w: it is damaged; begin again without one", ErrBadCursor)
	case [8]byte(b[1:9]) != q.digest:
		return nil, false, fmt.Errorf("%w: it belongs to another filter or sort; send it with the parameters of the page that it came with", ErrBadCursor)
	}
	number, n := binary.Varint(b[25:])
	if n <= 0 || len(b)-25-n > 4*MaxNameLen || len(b) > 25+n && !q.Sort.byText() {
		return nil, false, fmt.Errorf("%w: it is damaged; begin again without one", ErrBadCursor)
	}
	if q.ranked() && (number < 0 || number > MaxHits) {
		return nil, false, fmt.Errorf("%w: it is damaged; begin again without one", ErrBadCursor)
	}
	return &Position{ID: uuid.UUID(b[9:25]), Int: number, Text: string(b[25+n:])}, b[0] == cursorBackward, nil
}

// byText reports whether a [Position] in this order has a Text.
func (s Sort) byText() bool {
	return s == SortName || s == SortNameDesc || s == SortSKU || s == SortSKUDesc
}

// position is p's place in the order.
func (s Sort) position(p *Product) Position {
	at := Position{ID: p.ID}
	switch s {
	case SortCreated, SortCreatedDesc:
		at.Int = p.CreatedAt.UnixMicro()
	case SortUpdated, SortUpdatedDesc:
		at.Int = p.UpdatedAt.UnixMicro()
	case SortPrice, SortPriceDesc:
		at.Int = p.Price.Amount
	case SortName, SortNameDesc:
		at.Text = p.Name
	case SortSKU, SortSKUDesc:
		at.Text = p.SKU
	}
	return at
}
