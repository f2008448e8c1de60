//go:build !race

package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// What this package adds to a GET is bounded: 15 allocations. The race detector adds its own, so
// "make bench" runs this test.
func TestGetAllocatesLittle(t *testing.T) {
	allocs := make(map[string]float64)
	for _, c := range contenders(t) {
		w, r := &sink{header: make(http.Header)}, getRequest(t)
		allocs[c.name] = testing.AllocsPerRun(1000, func() { w.get(c.handler, r) })
	}
	service := allocs["bare"] - allocs["bare without service"]
	require.LessOrEqual(t, allocs["httpapi"]-service, 15.0, "%v", allocs)
}
