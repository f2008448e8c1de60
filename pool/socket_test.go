package pool_test

import (
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/pool"
)

// answering is a socket that has these bytes, and counts the system calls that read them.
type answering struct {
	net.TCPConn
	bytes.Reader
	calls int
}

func (s *answering) Read(b []byte) (int, error) {
	s.calls++
	return s.Reader.Read(b)
}

func TestAnAnswerIsReadBySomeSystemCallsWhateverPiecesTheDriverAsksFor(t *testing.T) {
	t.Parallel()
	answer := bytes.Repeat([]byte("a product and a comma, "), 4000)
	for _, piece := range []int{1, 4 << 10, 100 << 10} {
		s := &answering{Reader: *bytes.NewReader(answer)}
		c := pool.Noting(s)
		var got []byte
		for b := make([]byte, piece); ; {
			n, err := c.Read(b)
			got = append(got, b[:n]...)
			if err != nil {
				require.ErrorIs(t, err, io.EOF)
				break
			}
		}
		require.Equal(t, answer, got)
		require.LessOrEqual(t, s.calls, 4, "three of 32 KB, and the end")
	}
}
