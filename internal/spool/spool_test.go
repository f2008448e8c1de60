package spool_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/spool"
)

func TestWhatIsWrittenIsReadInMemoryAndInAFile(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 10, 1 << 20, 3 << 20} {
		want := bytes.Repeat([]byte{1, 2, 3, 4, 5}, size/5)
		var s spool.Spool
		for part := want; len(part) > 0; part = part[min(len(part), 100_000):] {
			_, err := s.Write(part[:min(len(part), 100_000)])
			require.NoError(t, err)
		}
		require.EqualValues(t, len(want), s.Size())
		for range 2 {
			section, err := s.Section()
			require.NoError(t, err)
			got, err := io.ReadAll(section)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, got))
		}
		whole, err := s.Rewind()
		require.NoError(t, err)
		got, err := io.ReadAll(whole)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got))
		require.NoError(t, s.Close())
	}
}
