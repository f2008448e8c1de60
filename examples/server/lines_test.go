package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// slowly is a writer that takes a while for each write, and counts them.
type slowly struct {
	buffer
	takes  time.Duration
	writes atomic.Int64
}

func (s *slowly) Write(b []byte) (int, error) {
	time.Sleep(s.takes)
	s.writes.Add(1)
	return s.buffer.Write(b)
}

// logging returns a logger that writes through lines.
func logging(w io.Writer) (*slog.Logger, *lines) {
	l := newLines(w)
	return newLogger(config{}, l), l
}

func TestLinesThatComeAtOnceAreWrittenTogetherAndInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &slowly{takes: 5 * time.Millisecond}
		log, l := logging(w)
		const loggers, each = 20, 50
		var wg sync.WaitGroup
		for i := range loggers {
			wg.Go(func() {
				own := log.With("logger", i)
				for n := range each {
					if n%7 == 0 {
						own.Error("at once", "n", n, "error", io.EOF)
					} else {
						own.Info("late", "n", n)
					}
					time.Sleep(100 * time.Microsecond)
				}
			})
		}
		wg.Wait()
		l.flush()
		next := make(map[int]int)
		for line := range strings.Lines(w.String()) {
			var logger, n int
			_, fields, _ := strings.Cut(line, " logger=")
			_, err := fmt.Sscanf(fields, "%d n=%d", &logger, &n)
			require.NoError(t, err, line)
			require.Equal(t, next[logger], n)
			next[logger]++
		}
		require.Len(t, next, loggers)
		require.Equal(t, loggers*each, strings.Count(w.String(), "\n"))
		require.Less(t, w.writes.Load(), int64(loggers*each/10))
	})
}

func TestLinesAreLateByNoMoreThanTheyGather(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := new(slowly)
		log, _ := logging(w)
		for range 4 {
			log.Info("often")
		}
		require.EqualValues(t, 1, w.writes.Load(), "the first is rare")
		time.Sleep(gatherFor - 1)
		synctest.Wait()
		require.EqualValues(t, 1, w.writes.Load())
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.EqualValues(t, 2, w.writes.Load())
		require.Equal(t, 4, strings.Count(w.String(), "\n"))
	})
}

func TestARareLineIsWrittenWhenItsLoggerGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &slowly{takes: time.Second}
		log, _ := logging(w)
		for i := range 3 {
			log.Info("rare", "i", i)
			require.EqualValues(t, i+1, w.writes.Load())
			time.Sleep(time.Second)
		}
	})
}

// changing is an error that says something else each time.
type changing struct{ said int }

func (c *changing) Error() string {
	c.said++
	return fmt.Sprint("time ", c.said)
}

func TestWhatMayChangeIsToldAsItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := new(slowly)
		log, l := logging(w)
		log.Info("the first line is rare")
		err := new(changing)
		log.Warn("broken", "error", err)
		require.Equal(t, 1, err.said)
		log.Warn("broken", slog.Group("group", "error", err))
		require.Equal(t, 2, err.said)
		l.flush()
		require.Contains(t, w.String(), `error="time 1"`)
		require.Contains(t, w.String(), `group.error="time 2"`)
	})
}

func TestWhoLogsWaitsForAWriterThatStalls(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		attr slog.Attr
		most int // go on
	}{
		"without texts": {slog.Int("n", 1), mostRecords},
		"with texts":    {slog.Any("error", errors.New(strings.Repeat("x", mostTexts/10))), 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, w := io.Pipe()
				log, l := logging(w)
				go log.Info("is stuck in its write")
				synctest.Wait()
				var logged atomic.Int64
				many := 3 * test.most
				go func() {
					for range many {
						log.LogAttrs(t.Context(), slog.LevelInfo, "behind it", test.attr)
						logged.Add(1)
					}
				}()
				synctest.Wait()
				require.EqualValues(t, test.most, logged.Load())
				go func() { _, _ = io.Copy(io.Discard, r) }()
				for int(logged.Load()) < many {
					time.Sleep(gatherFor)
					synctest.Wait()
				}
				l.flush()
				require.NoError(t, w.Close())
			})
		})
	}
}
