package httpapi

import "slices"

// ProblemSlugs lists every type of problem.
func ProblemSlugs() []string {
	var slugs []string
	for _, p := range problems {
		slugs = append(slugs, p.slug)
	}
	return slugs
}

// Params lists the query parameters of every operation, by its ID.
func Params() map[string][]string {
	ops := make(map[string][]string)
	for _, op := range operations() {
		ops[op.id] = slices.Sorted(slices.Values(op.params))
	}
	return ops
}

// ProblemTypes lists the types of problem that a status can have.
func ProblemTypes() map[int][]string {
	types := make(map[int][]string)
	for _, p := range problems {
		if !slices.Contains(types[p.status], p.slug) {
			types[p.status] = append(types[p.status], p.slug)
		}
	}
	return types
}
