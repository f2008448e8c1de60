package main

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKindsAreFoundOutOnceAndMadeUpMethodsNotKept(t *testing.T) {
	t.Parallel()
	found := 0
	k := newKinds(func(of kind) telling {
		found++
		return telling{level: slog.Level(of.status)}
	})
	for range 3 {
		for _, status := range []int{200, 404} {
			require.Equal(t, slog.Level(status), k.tell(kind{"GET", "GET /v1/products/{id}", status}).level)
		}
	}
	require.Equal(t, 2, found)
	for n := range 50 {
		require.Equal(t, slog.Level(405), k.tell(kind{fmt.Sprint("BREW", n), "", 405}).level)
	}
	require.Len(t, *k.known.Load(), 2)
}
