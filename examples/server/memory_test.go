package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGarbageIsBounded(t *testing.T) {
	t.Parallel()
	for inUse, percent := range map[uint64]int{0: 400, 4 << 20: 400, 10 << 20: 400, 20 << 20: 200, 40 << 20: 100, 4 << 30: 100} {
		require.Equal(t, percent, gcPercent(inUse), "%d bytes in use", inUse)
	}
}
