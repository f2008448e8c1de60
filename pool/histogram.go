package pool

import (
	"math/bits"
	"time"
)

// buckets is how many bounds a Histogram has: 64 µs doubling up to 34 s.
const buckets = 20

// Histogram counts durations in buckets whose bounds double.
type Histogram struct {
	Count uint64
	Sum   time.Duration
	// Counts[i] are the durations of at most HistogramBounds()[i] and above the
	// bound before; the last element those above every bound.
	Counts [buckets + 1]uint64
}

// HistogramBounds returns the upper bounds of every Histogram's buckets: 65.536 µs,
// doubling, up to about 34 s.
func HistogramBounds() [buckets]time.Duration {
	var b [buckets]time.Duration
	for i := range b {
		b[i] = 1 << (16 + i)
	}
	return b
}

func (h *Histogram) add(d time.Duration) {
	h.Count++
	h.Sum += d
	i := 0
	if d > 0 {
		i = min(bits.Len64(uint64(d-1)>>16), buckets)
	}
	h.Counts[i]++
}

// Mean is the average, 0 if nothing was counted.
func (h Histogram) Mean() time.Duration {
	if h.Count == 0 {
		return 0
	}
	return h.Sum / time.Duration(h.Count)
}

// Quantile returns an upper bound for the duration that the fraction q (0 to 1)
// of all stayed below: the bound of its bucket, 0 if nothing was counted.
func (h Histogram) Quantile(q float64) time.Duration {
	if h.Count == 0 {
		return 0
	}
	rank := max(uint64(q*float64(h.Count)+0.5), 1)
	var seen uint64
	for i, n := range h.Counts {
		if seen += n; seen >= rank {
			return 1 << (16 + min(i, buckets))
		}
	}
	return 1 << (16 + buckets)
}
