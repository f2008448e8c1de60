package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// slowly is a writer that takes a while for each write, and counts them.
type slowly struct {
	bytes.Buffer
	takes  time.Duration
	writes int
}

func (s *slowly) Write(b []byte) (int, error) {
	time.Sleep(s.takes)
	s.writes++
	return s.Buffer.Write(b)
}

func TestLinesThatComeAtOnceAreWrittenTogetherAndInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &slowly{takes: 5 * time.Millisecond}
		l := newLines(w)
		const loggers, each = 20, 50
		var wg sync.WaitGroup
		for i := range loggers {
			wg.Go(func() {
				for n := range each {
					_, err := fmt.Fprintf(l, "%d %d\n", i, n)
					require.NoError(t, err)
					time.Sleep(100 * time.Microsecond)
				}
			})
		}
		wg.Wait()
		l.flush()
		next := make(map[int]int)
		for line := range strings.Lines(w.String()) {
			var logger, n int
			_, err := fmt.Sscan(line, &logger, &n)
			require.NoError(t, err)
			require.Equal(t, next[logger], n)
			next[logger]++
		}
		require.Len(t, next, loggers)
		require.Equal(t, loggers*each, strings.Count(w.String(), "\n"))
		require.Less(t, w.writes, loggers*each/10)
	})
}

func TestARareLineIsWrittenWhenItsLoggerGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &slowly{takes: time.Second}
		log := slog.New(slog.NewTextHandler(newLines(w), nil))
		for i := range 3 {
			log.Info("rare", "i", i)
			require.Equal(t, i+1, w.writes)
			time.Sleep(time.Second)
		}
	})
}

func TestWhoLogsWaitsForAWriterThatStalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		l := newLines(w)
		go func() { _, _ = l.Write([]byte("x")) }() // is stuck in its write
		synctest.Wait()
		logged := 0
		go func() {
			for range 100 {
				_, _ = l.Write(make([]byte, mostGathered/10))
				logged++
			}
		}()
		synctest.Wait()
		require.Equal(t, 11, logged)
		go func() { _, _ = io.Copy(io.Discard, r) }()
		synctest.Wait()
		require.Equal(t, 100, logged)
		l.flush()
		require.NoError(t, w.Close())
	})
}
