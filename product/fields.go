package product

import "strings"

// Fields is a selection of a product's members, by their names in JSON. The zero value selects
// all. The ID is always there.
type Fields struct {
	mask uint32 // a bit for each of jsonMembers
}

// ParseFields reads names that are separated by commas, such as "sku,name,price". Errors:
// [InvalidError] for a name that no product has.
func ParseFields(list string) (Fields, error) {
	var fields Fields
	for name := range strings.SplitSeq(list, ",") {
		bit, ok := fieldBits[name]
		if !ok {
			var f faults
			f.add("fields", "unknown", "names %q, which no product has; use some of %s", abbreviate(name), fieldNames())
			return Fields{}, f.err()
		}
		fields.mask |= bit
	}
	return fields, nil
}

func (f Fields) has(i int) bool { return f.mask == 0 || f.mask&(1<<i) != 0 }

var fieldBits = func() map[string]uint32 {
	bits := map[string]uint32{"id": 1 << 31} // above all others: a selection of the ID alone is not zero
	for i := range jsonMembers {
		bits[jsonMembers[i].name] = 1 << i
	}
	return bits
}()

func fieldNames() string {
	names := []string{"id"}
	for i := range jsonMembers {
		names = append(names, jsonMembers[i].name)
	}
	return strings.Join(names, ", ")
}
