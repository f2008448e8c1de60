package product

import "crypto/sha256"

// FingerprintOf is what an idempotency record keeps of a write.
func FingerprintOf(w Write) [sha256.Size]byte { return w.fingerprint() }
