package productjson

import (
	"errors"
	"strings"

	"github.com/productkit-go/productkit/product"
)

// Join adds the faults of more to those of err, less those that are about a member which err
// complains of already. Both are a [*product.InvalidError] or nil; any other error stands alone.
func Join(err, more error) error {
	var first, second *product.InvalidError
	if !errors.As(err, &first) || !errors.As(more, &second) {
		if err != nil {
			return err
		}
		return more
	}
	joined := &product.InvalidError{Faults: first.Faults}
	for _, f := range second.Faults {
		if !covered(first.Faults, f.Field) {
			joined.Faults = append(joined.Faults, f)
		}
	}
	return joined
}

// covered reports whether one of the faults is about field or what contains it.
func covered(faults []product.Fault, field string) bool {
	for _, f := range faults {
		rest, ok := strings.CutPrefix(field, f.Field)
		if ok && f.Field != "" && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}
