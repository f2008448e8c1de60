package httpapi

import (
	"math/rand/v2"
	"net/http"
	"strings"
)

// headerRequestID in its canonical form, for direct use of header maps.
const headerRequestID = "X-Request-Id"

// requestID returns the id that the request came with, or a new one if it has none or one that
// does not belong into a log or a URI reference.
func requestID(r *http.Request) string {
	if ids := r.Header[headerRequestID]; len(ids) == 1 && saneID(ids[0]) {
		return ids[0]
	}
	// Unguessable is not needed, and unique enough are 128 bits of the runtime's ChaCha8.
	const hex = "0123456789abcdef"
	var b [32]byte
	for half := range 2 {
		for i, n := 0, rand.Uint64(); i < 16; i, n = i+1, n>>4 {
			b[16*half+i] = hex[n&15]
		}
	}
	return string(b[:])
}

func saneID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && !strings.ContainsRune("-._~=+/", rune(c)) {
			return false
		}
	}
	return true
}
