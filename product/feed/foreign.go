package feed

import "strings"

// What follows reads cells as other shops write them.

// oneCategory chooses one of the paths in a cell, which commas or bars part: the first, or what is
// below it among the others. It tells whether there are paths that this one is not below.
func oneCategory(s string) (path string, more bool) {
	for _, text := range splitUnescaped(s) {
		separator := "/"
		if strings.Contains(text, ">") {
			separator = ">"
		}
		// Magento's root is above all that shoppers see.
		next := strings.TrimPrefix(categoryPath(text, separator)+"/", "Default Category/")
		switch next = strings.TrimSuffix(next, "/"); {
		case next == "" || contains(next, path):
		case path == "" || contains(path, next):
			path = next
		default:
			more = true
		}
	}
	return path, more
}

// contains reports whether a category is another, or above it.
func contains(above, category string) bool {
	return strings.HasPrefix(category+"/", above+"/")
}

// splitUnescaped cuts at bars, and at commas without a backslash, with which WooCommerce escapes them.
func splitUnescaped(s string) []string {
	var parts []string
	var part strings.Builder
	for i := range len(s) {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == ',':
		case s[i] == '|', s[i] == ',' && (i == 0 || s[i-1] != '\\'):
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(s[i])
		}
	}
	return append(parts, part.String())
}

// splitPairs reads Magento's fabric=cotton,size=M. As there, a comma behind which there is no name
// is the value's, and a value may stand in quotes, in which a quote is written twice.
func splitPairs(s string) (pairs map[string]string, ok bool) {
	pairs = make(map[string]string)
	var name string
	for part := range strings.SplitSeq(s, ",") {
		before, value, named := strings.Cut(part, "=")
		open := strings.HasPrefix(pairs[name], `"`) && strings.Count(pairs[name], `"`)%2 == 1
		switch before = strings.TrimSpace(before); {
		case name != "" && (open || !named):
			pairs[name] += "," + part
		case named && before != "":
			name = before
			pairs[name] = strings.TrimSpace(value)
		case strings.TrimSpace(part) != "":
			return nil, false
		}
	}
	for name, value := range pairs {
		if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
			value = strings.ReplaceAll(value[1:len(value)-1], `""`, `"`)
		}
		pairs[name] = oneLine(value)
	}
	return pairs, true
}
