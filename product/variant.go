package product

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
)

// VariantKey stands for a group and one set of options in it: SHA-256 over both, each string
// behind its length. Two live products never have the same one.
type VariantKey [sha256.Size]byte

// VariantKey returns the key that the product claims. A product without a group and a deleted
// one claim none: ok is false.
func (p *Product) VariantKey() (key VariantKey, ok bool) {
	if p.Group == "" || p.Deleted() {
		return key, false
	}
	b := make([]byte, 0, 128)
	add := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	add(p.Group)
	for _, name := range slices.Sorted(maps.Keys(p.Options)) {
		add(name)
		add(p.Options[name])
	}
	return sha256.Sum256(b), true
}
