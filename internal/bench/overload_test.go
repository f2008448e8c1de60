package bench

import (
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// deadline is when a client under overload gives up.
const deadline = 500 * time.Millisecond

// goodput is what is answered in time at four times the capacity, which is what the same generator gets
// when it waits for answers.
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

// flood sends random GETs for a slice: so many a second, whatever comes back; for 0 each of 64 clients
// as fast as it is answered.
func (l *lab) flood(c contender, rate float64) loaded {
	options := []func(*vegeta.Attacker){vegeta.Timeout(deadline), vegeta.Connections(10_000), vegeta.MaxBody(0)}
	if rate == 0 {
		options = append(options, vegeta.Workers(64), vegeta.MaxWorkers(64))
	}
	text, err := os.ReadFile(c.ids)
	require.NoError(l, err)
	ids := strings.Fields(string(text))
	target := func(t *vegeta.Target) error {
		t.Method, t.URL = http.MethodGet, c.url+"/v1/products/"+ids[rand.IntN(len(ids))]
		return nil
	}
	defer l.watch(c)()
	var good []time.Duration
	for r := range vegeta.NewAttacker(options...).Attack(target, vegeta.Rate{Freq: int(rate), Per: time.Second}, *slice, "") {
		if r.Code == http.StatusOK && r.Latency <= deadline {
			good = append(good, r.Latency)
		}
	}
	require.NotEmpty(l, good, "answers in time")
	slices.Sort(good)
	return loaded{float64(len(good)) / slice.Seconds(), float64(good[len(good)*99/100]) / 1e6}
}
