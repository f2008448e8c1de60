package feed

import "strings"

// A spreadsheet runs cells that begin so as formulas, which may send its user's data away (OWASP,
// CSV Injection). An apostrophe in front makes them text. One that was there gets another, so
// that taking the first off again always gives back what there was.
const (
	runnable   = "=+-@\t\r\n"
	apostrophe = "'"
)

func guard(cell string) string {
	if cell != "" && strings.IndexByte(runnable+apostrophe, cell[0]) >= 0 {
		return apostrophe + cell
	}
	return cell
}

// unguard takes off what guard put in front. An apostrophe before anything else is the cell's own.
func unguard(cell string) string {
	if rest, ok := strings.CutPrefix(cell, apostrophe); ok && rest != "" && strings.IndexByte(runnable+apostrophe, rest[0]) >= 0 {
		return rest
	}
	return cell
}
