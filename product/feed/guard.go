package feed

import "strings"

// A spreadsheet runs cells that begin so as formulas, which may send its user's data away (OWASP,
// CSV Injection). An apostrophe in front makes them text. One that was there gets another, so
// that taking the first off again always gives back what there was.
const (
	runnable   = "=+-@\t\r\n"
	apostrophe = "'"
)

// guarded reports whether a cell gets an apostrophe.
func guarded(cell string) bool {
	return cell != "" && strings.IndexByte(runnable+apostrophe, cell[0]) >= 0
}

// unguard takes off what was put in front. An apostrophe before anything else is the cell's own.
func unguard(cell string) string {
	if rest, ok := strings.CutPrefix(cell, apostrophe); ok && guarded(rest) {
		return rest
	}
	return cell
}
