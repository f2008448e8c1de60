package feed

import (
	"strconv"
	"strings"
)

// tagSeparators stand between tags in files that are not Shopify's.
const tagSeparators = ",;"

func splitTags(s, separators string) []string {
	var tags []string
	seen := make(map[string]bool)
	for tag := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
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

// short keeps what stands in a file short enough to be shown in a message.
func short(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
