package pool

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
)

// load is what a pool did in a span of time.
type load struct {
	span                time.Duration
	wait, dial, hold    Histogram
	closes              map[CloseCause]uint64
	refused, dialFailed uint64
	abandoned           uint64
	now                 Stats
}

// watch returns what the pool did since Open, or during DoctorOptions.Sample;
// nil if there is no pool of ours or its statistics say nothing.
func (x *examination) watch(ctx context.Context) (*load, error) {
	if x.pool == nil || x.o.Outside {
		return nil, ctx.Err()
	}
	before, since := Stats{}, x.pool.opened
	if x.o.Sample > 0 {
		before, since = x.pool.Stats(), time.Now()
		timer := time.NewTimer(x.o.Sample)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	now := x.pool.Stats()
	l := &load{
		span:       time.Since(since),
		wait:       now.Wait.since(before.Wait),
		dial:       now.Dial.since(before.Dial),
		hold:       now.Hold.since(before.Hold),
		closes:     now.Closes,
		refused:    now.Refused.crowded() - before.Refused.crowded(),
		dialFailed: now.DialFailures - before.DialFailures,
		abandoned:  now.Abandoned - before.Abandoned,
		now:        now,
	}
	for cause, n := range before.Closes {
		l.closes[cause] -= n
	}
	return l, nil
}

// crowded counts refusals that more connections, or shorter holds, would have
// avoided.
func (r Refusals) crowded() uint64 { return r.Timeout + r.QueueFull + r.Overloaded }

// since returns what was counted after earlier.
func (h Histogram) since(earlier Histogram) Histogram {
	h.Count -= earlier.Count
	h.Sum -= earlier.Sum
	for i := range h.Counts {
		h.Counts[i] -= earlier.Counts[i]
	}
	return h
}

const (
	// enoughUses is how many lendings it takes before the size is judged.
	enoughUses = 200
	// churnCloses is how many connections must have been closed before it is
	// called churn, and churnShare the share of uses that may end with a close.
	churnCloses = 20
	churnShare  = 0.01
	// slowWait is longer than callers should wait: more than one in twenty did.
	slowWait = 17 * time.Millisecond
	// utilisation leaves room for chance: queues grow without bound towards 1.
	utilisation = 0.75
)

func (x *examination) checkLoad(l *load) {
	if l == nil {
		x.checkForeignLoad()
		return
	}
	r := &x.report
	if err := l.now.DialErr; err != nil && x.server != nil {
		r.find(FindingDialFailing, SeverityWarning,
			"see what the error says: too many connections (Budget), the account's rights, the network",
			"the last connect of the pool failed, and so did %d of %d in %s: %v", l.dialFailed, l.dial.Count, l.span.Round(time.Second), err)
	}
	if l.abandoned > 0 {
		r.find(FindingAbandoned, SeverityWarning,
			"find what is cancelled (deadlines below the statements' time) and see that the server ends it; behind a proxy, let the proxy bound statements (max_execution_time)",
			"%d cancelled or broken statements could not be ended on the server within %v and may have run on, beyond the pool's cap", l.abandoned, endTimeout)
	}
	x.checkChurn(l)
	x.checkSize(l)
}

func (x *examination) checkForeignLoad() {
	r := &x.report
	if x.pool != nil {
		r.omit("statistics: churn, waits, size", "this process is not one that serves", "call Pool.Doctor inside the service")
		return
	}
	r.omit("statistics: size against Little's law, connects, refusals", "database/sql does not count them", "open a Pool instead")
	s := x.db.Stats()
	if s.MaxIdleClosed >= churnCloses {
		r.find(FindingChurn, SeverityWarning,
			"keep as many idle as are used: SetMaxIdleConns, which pool.Apply sets to MaxConns (database/sql's default is 2)",
			"%d connections were closed right after use because the idle places were taken, %d of %d are idle now", s.MaxIdleClosed, s.Idle, s.OpenConnections)
	}
}

// churnFix says for each cause what to change.
var churnFix = map[CloseCause]string{
	CloseBroken:     "calls are cancelled or fail under way: give them more time than they take, and see what breaks the connections (server log, proxies)",
	CloseIdle:       "raise MaxIdleTime, or MinConns to what the quiet hours need",
	CloseLifetime:   "raise MaxLifetime",
	CloseUses:       "turn MaxUses off, or raise it: asyncpg, where it comes from, has 50,000",
	CloseOverflow:   "raise MaxConns: the burst is the load",
	ClosePing:       "find what breaks idle connections: a server's wait_timeout, a NAT or proxy with a shorter one",
	CloseGeneration: "find why the pool starts anew: failed pings, a read-only server, calls of Reset",
}

// checkChurn compares how many connections were closed with how often they were
// used.
func (x *examination) checkChurn(l *load) {
	var closed, most uint64
	var worst CloseCause
	var parts []string
	for cause := range closeCauses {
		n := l.closes[cause]
		if cause == CloseShutdown || n == 0 {
			continue
		}
		closed += n
		parts = append(parts, fmt.Sprintf("%d %v", n, cause))
		if n > most {
			worst, most = cause, n
		}
	}
	if closed < churnCloses || float64(closed) <= churnShare*float64(l.hold.Count) {
		return
	}
	x.report.find(FindingChurn, SeverityWarning, churnFix[worst],
		"%d connections were closed for %d uses in %v (%s); each new one takes %v on average",
		closed, l.hold.Count, l.span.Round(time.Second), strings.Join(parts, ", "), l.dial.Mean().Round(10*time.Microsecond))
}

// checkSize holds the size against Little's law: connections busy on average =
// uses per second × seconds a use.
func (x *examination) checkSize(l *load) {
	if l.hold.Count+l.refused < enoughUses || l.span <= 0 {
		x.report.omit("size against Little's law", fmt.Sprintf("only %d uses and %d refusals in %v", l.hold.Count, l.refused, l.span.Round(time.Millisecond)), "ask again after some load, or in the process that serves")
		return
	}
	r, cfg := &x.report, x.cfg
	busy := l.hold.Sum.Seconds() / l.span.Seconds()
	asked := float64(l.hold.Count + l.refused)
	want := int(math.Ceil(busy * asked / max(float64(l.hold.Count), 1) / utilisation))
	numbers := fmt.Sprintf("%.1f uses/s × %v held on average = %.2f connections busy, of MaxConns %d + MaxOverflow %d, in %v",
		float64(l.hold.Count)/l.span.Seconds(), l.hold.Mean().Round(10*time.Microsecond), busy, cfg.MaxConns, max(cfg.MaxOverflow, 0), l.span.Round(time.Second))
	slow := l.wait.Quantile(0.95)
	switch {
	case float64(l.refused) > 0.001*asked || slow > slowWait:
		fix := fmt.Sprintf("raise MaxConns to %d", want)
		if want <= cfg.MaxConns {
			fix = "MaxConns does for the average, so the load comes in bursts: raise MaxOverflow or smooth the bursts"
		}
		r.find(FindingTooSmall, SeverityWarning,
			fix+"; or hold connections for less time, which helps without loading the server more: no other work inside transactions, rows closed early, faster statements",
			"%d callers were refused, and one in twenty waited more than %v; %s", l.refused, slow/2, numbers)
	case cfg.MaxConns >= 10 && want*4 < cfg.MaxConns:
		r.find(FindingTooLarge, SeverityInfo,
			fmt.Sprintf("lower MaxConns towards %d and leave bursts to MaxOverflow: what one pool does not use, another may have", max(want, 2)), "%s", numbers)
	}
}

// seconds is a number of seconds as a duration.
func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
