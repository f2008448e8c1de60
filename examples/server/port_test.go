//go:build linux

package main

import (
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Who was let in is answered, however late; who comes later is refused. So a balancer that only notices
// refused connections loses nothing.
func TestWhoeverHasConnectedIsAnswered(t *testing.T) {
	t.Parallel()
	for _, workers := range []string{"1", "2"} {
		t.Run("workers="+workers, func(t *testing.T) {
			t.Parallel()
			testConnectedIsAnswered(t, start(t, "DRAIN_WAIT=100ms", "LOG_LEVEL=WARN", "WORKERS="+workers))
		})
	}
}

func testConnectedIsAnswered(t *testing.T, p *process) {
	address := strings.TrimPrefix(p.url, "http://")
	var answered atomic.Int64
	lost := make(chan error, 64)
	var clients sync.WaitGroup
	for range cap(lost) {
		clients.Go(func() {
			for {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					return
				}
				_, err = io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				if err == nil {
					_, err = io.Copy(io.Discard, conn)
				}
				_ = conn.Close()
				if err != nil {
					lost <- err
					return
				}
				answered.Add(1)
			}
		})
	}
	require.Eventually(t, func() bool { return answered.Load() > 1000 }, 30*time.Second, time.Millisecond)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	clients.Wait()
	close(lost)
	for err := range lost {
		require.NoError(t, err)
	}
	require.Zero(t, p.exit(t))
}
