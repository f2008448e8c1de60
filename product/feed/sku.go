package feed

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/productkit-go/productkit/product"
)

// makeSKU makes a SKU of the handle and the option values; see the package comment. Points and
// tildes are replaced in the parts, so that ("a", "b") and ("a.b") stay different.
func makeSKU(handle string, values []string) string {
	parts := make([]string, 0, 1+len(values))
	exact := true
	for _, part := range append([]string{handle}, values...) {
		folded, same := fold(part)
		parts = append(parts, folded)
		exact = exact && same
	}
	sku := strings.Join(parts, ".")
	if exact && len(sku) <= product.MaxSKULen {
		return sku
	}
	digest := sha256.New()
	for _, part := range append([]string{handle}, values...) {
		digest.Write(binary.AppendUvarint(nil, uint64(len(part))))
		digest.Write([]byte(part))
	}
	// 80 bits: a collision among a million such variants has a chance of one in 10^12.
	end := "~" + hex.EncodeToString(digest.Sum(nil)[:10])
	return sku[:min(len(sku), product.MaxSKULen-len(end))] + end
}

// fold returns s in letters and digits of ASCII, hyphens, and underscores for spaces, and
// whether s can be told from the result.
func fold(s string) (folded string, exact bool) {
	exact = s != ""
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		case r == ' ':
			return '_'
		}
		exact = false
		return '-'
	}, s), exact
}
