package httpapi

// ProblemSlugs lists every type of problem.
func ProblemSlugs() []string {
	var slugs []string
	for _, p := range problems {
		slugs = append(slugs, p.slug)
	}
	return slugs
}
