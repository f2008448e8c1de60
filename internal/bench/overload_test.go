package bench

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// deadline is when a client under overload gives up.
const deadline = 500 * time.Millisecond

// goodput is what is answered in time at four times the capacity, which is what the same generator gets
// when it waits for answers. Asked for are searches that take both processors 16 ms, because it must not
// count what it takes to send requests and to refuse them, on the processors that the answers need. Of
// single products no generator here could send four times as many as are answered: at 28,000 a second
// vegeta was 22,000 late.
func (l *lab) goodput() (capacity, good float64) {
	c := l.near().ours
	capacity = l.flood(c, 0).rate
	return capacity, l.flood(c, 4*capacity).rate
}

// overloaded is the p99 of what is answered in time then.
func (l *lab) overloaded() (float64, float64) {
	c := l.near().ours
	return none, l.flood(c, 4*l.flood(c, 0).rate).p99
}

// flood searches for random numbers for a slice: so many times a second, whatever comes back; for 0 each of
// 16 clients as fast as it is answered.
func (l *lab) flood(c contender, rate float64) loaded {
	options := []func(*vegeta.Attacker){vegeta.Timeout(deadline), vegeta.Connections(10_000), vegeta.MaxBody(0)}
	if rate == 0 {
		options = append(options, vegeta.Workers(16), vegeta.MaxWorkers(16))
	}
	target := func(t *vegeta.Target) error {
		t.Method, t.URL = http.MethodGet, fmt.Sprintf("%s/v1/products?limit=200&q=%d", c.url, 10+rand.IntN(90))
		return nil
	}
	defer l.watch(c)()
	sent, start := 0, time.Now()
	var good []time.Duration
	for r := range vegeta.NewAttacker(options...).Attack(target, vegeta.Rate{Freq: int(rate), Per: time.Second}, *slice, "") {
		sent++
		if r.Code == http.StatusOK && r.Latency <= deadline {
			good = append(good, r.Latency)
		}
	}
	if float64(sent) < 0.9*rate*slice.Seconds() && *full {
		l.Errorf("overload: the generator sent %d requests in %v, which were to be %.0f a second", sent, *slice, rate)
	}
	took := time.Since(start) // with the answers to what was sent last, of which there are more the more clients wait for theirs
	require.NotEmpty(l, good, "answers in time")
	slices.Sort(good)
	return loaded{float64(len(good)) / took.Seconds(), float64(good[len(good)*99/100]) / 1e6}
}
