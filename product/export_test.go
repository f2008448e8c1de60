package product

import "crypto/sha256"

// FingerprintOf is what an idempotency record keeps of a write.
func FingerprintOf(w Write) [sha256.Size]byte { return w.fingerprint() }

// CursorOf is the cursor of the page of q that follows last.
func CursorOf(q *Query, last *Product) string { return q.cursor(last) }

// ParseCursor reads q's cursor.
func ParseCursor(q *Query) error {
	_, _, err := q.parseCursor()
	return err
}
