package feed

import (
	"fmt"
	"hash/maphash"
)

// maxSeen is how many SKUs of one file are compared with each other. Each costs some 30 bytes.
const maxSeen = 1 << 18

// claims remembers which SKUs a file has given, and where.
type claims struct {
	seed maphash.Seed
	seen map[uint64]int // SKU to line
}

func newClaims() claims { return claims{seed: maphash.MakeSeed(), seen: make(map[uint64]int)} }

// claim refuses a SKU that the file has given already: the second product would overwrite the
// first, again and again with each import.
func (c *claims) claim(sku string, line int) []Fault {
	sum := maphash.String(c.seed, sku)
	if before, taken := c.seen[sum]; taken {
		return []Fault{{"sku", "duplicate", fmt.Sprintf("is %s, as in line %d; give each product its own SKU", short(sku), before)}}
	}
	if len(c.seen) < maxSeen {
		c.seen[sum] = line
	}
	return nil
}
