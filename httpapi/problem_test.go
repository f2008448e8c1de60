package httpapi_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/httpapi"
)

// The type of a problem is an address, so there must be something at it.
func TestEveryProblemIsExplained(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("PROBLEMS.md")
	require.NoError(t, err)
	explained := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		if slug, ok := strings.CutPrefix(strings.TrimSpace(line), "### "); ok {
			require.False(t, explained[slug], slug)
			explained[slug] = true
		}
	}
	known := make(map[string]bool)
	for _, slug := range httpapi.ProblemSlugs() {
		require.True(t, explained[slug], slug)
		known[slug] = true
	}
	require.Len(t, explained, len(known))
}

func TestProblemBaseCanBeTheHosts(t *testing.T) {
	t.Parallel()
	a := newAPI(t, &httpapi.Options{ProblemBase: "https://shop.example/problems/"})
	require.Equal(t, "https://shop.example/problems/not-found", a.do("GET", "/skus/x", "").is(404).problem().Type)
}
