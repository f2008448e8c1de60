package feed

import (
	"strconv"
	"strings"
)

func splitTags(s string) []string {
	var tags []string
	seen := make(map[string]bool)
	for tag := range strings.SplitSeq(s, ",") {
		if tag = oneLine(tag); tag != "" && !seen[tag] {
			tags = append(tags, tag)
			seen[tag] = true
		}
	}
	return tags
}

// oneLine turns line breaks and runs of white space into single spaces.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}

// validGTIN applies GS1's rule of check digits (General Specifications, section 7.9).
func validGTIN(code string) bool {
	if n := len(code); !isNumber(code) || n != 8 && n != 12 && n != 13 && n != 14 {
		return false
	}
	sum, weight := 0, 1
	for i := len(code) - 1; i >= 0; i-- {
		sum += weight * int(code[i]-'0')
		weight = 4 - weight
	}
	return sum%10 == 0
}

// short keeps what stands in a file short enough to be shown in a message.
func short(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
