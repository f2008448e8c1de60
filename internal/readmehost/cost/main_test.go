package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheReadmeMustAgree(t *testing.T) {
	t.Parallel()
	for readme, ok := range map[string]bool{
		"It costs 14 modules and 6.0 MiB.": true,
		"It costs 14 modules and 5.6 MiB.": true,
		"It costs 14 modules and 5.0 MiB.": false,
		"It costs 13 modules and 6.0 MiB.": false,
		"It costs nothing.":                false,
	} {
		require.Equal(t, ok, agree(readme, 14, 6) == nil, readme)
	}
}
