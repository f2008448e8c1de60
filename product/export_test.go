package product

import "crypto/sha256"

// FingerprintOf is what an idempotency record keeps of a write.
func FingerprintOf(w Write) [sha256.Size]byte { return w.fingerprint() }

// CursorOf is the cursor of the page of q that follows last.
func CursorOf(q *Query, last *Product) string { return q.cursors().next(last) }

// ParseCursor reads q's cursor.
func ParseCursor(q *Query) error {
	_, _, err := q.cursors().parseCursor()
	return err
}

// Digest is what a cursor knows its list by.
func (q *Query) Digest() [8]byte { return q.digest() }
