package console

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// plot is a small picture of numbers over the last 15 minutes, which the template "plot" draws.
type plot struct {
	Name  string
	Now   string // the last value with its unit
	Lines []curve
	Top   string // what its upper edge stands for
	Said  string // what it shows, in words
}

// curve is one of a plot's, as the d of SVG's path.
type curve struct {
	Name string // blank: it is the only one
	Now  string
	Path string
	Area string // closed below
}

// series is what a line is drawn of: NaN where there was nothing to be measured.
type series struct {
	name   string
	values []float64
}

const (
	plotWidth  = 300
	plotHeight = 56
)

// newPlot draws series whose values were taken at these times. Show writes a value with its unit.
func newPlot(name string, at []time.Time, show func(float64) string, all ...series) plot {
	top := 0.0
	for _, s := range all {
		for _, v := range s.values {
			if !math.IsNaN(v) {
				top = max(top, v)
			}
		}
	}
	p := plot{Name: name, Top: show(top)}
	scale := top
	if scale == 0 {
		scale = 1
	}
	said := []string{}
	for _, s := range all {
		l := curve{Name: s.name, Now: "–"}
		if n := len(s.values); n > 0 && !math.IsNaN(s.values[n-1]) {
			l.Now = show(s.values[n-1])
		}
		l.Path, l.Area = trace(at, s.values, scale)
		p.Lines = append(p.Lines, l)
		said = append(said, strings.TrimSpace(s.name+" "+l.Now))
	}
	p.Now = p.Lines[0].Now
	p.Said = fmt.Sprintf("%s, the last 15 minutes: now %s; at most %s", name, strings.Join(said, ", "), p.Top)
	return p
}

// trace draws values from left to right, with a gap where there are none.
func trace(at []time.Time, values []float64, top float64) (path, area string) {
	var p, a strings.Builder
	end := at[len(at)-1]
	begin, last := "", ""
	closeArea := func() {
		if begin != "" {
			if begin == last {
				p.WriteString("h.1") // a point by itself would not be seen
			}
			fmt.Fprintf(&a, "L%s %dL%s %dZ", last, plotHeight, begin, plotHeight)
		}
		begin = ""
	}
	for i, v := range values {
		if math.IsNaN(v) {
			closeArea()
			continue
		}
		x := plotWidth * (1 - float64(end.Sub(at[i]))/float64(sampleSpan))
		if x < 0 {
			continue
		}
		last = number(x)
		point := last + " " + number(plotHeight-1-(plotHeight-4)*v/top)
		if begin == "" {
			begin = last
			p.WriteString("M" + point)
			a.WriteString("M" + point)
			continue
		}
		p.WriteString("L" + point)
		a.WriteString("L" + point)
	}
	closeArea()
	return p.String(), a.String()
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// bars is a histogram, which the template "bars" draws.
type bars struct {
	Name  string
	Count string
	Facts string // percentiles
	Bars  []bar
	From  string // what its left edge stands for
	To    string
	Said  string
}

type bar struct{ X, Y, Width, Height string }

// newBars draws how many durations fell into each bucket, from the first that has any to the last.
func newBars(name string, counts []uint64, end func(int) time.Duration, facts string) bars {
	b := bars{Name: name, Facts: facts}
	first, last, most, sum := -1, 0, uint64(0), uint64(0)
	for i, n := range counts {
		if n == 0 {
			continue
		}
		if first < 0 {
			first = i
		}
		last, most, sum = i, max(most, n), sum+n
	}
	b.Count = grouped(strconv.FormatUint(sum, 10))
	b.Said = fmt.Sprintf("%s in the last 15 minutes: %s, %s", name, b.Count, facts)
	if first < 0 {
		b.Said = name + " in the last 15 minutes: none"
		return b
	}
	first, last = max(0, first-1), min(len(counts)-1, max(last+1, first+7))
	width := float64(plotWidth) / float64(last-first+1)
	for i := first; i <= last; i++ {
		if height := (plotHeight - 2) * float64(counts[i]) / float64(most); counts[i] > 0 {
			height = max(height, 1.5)
			b.Bars = append(b.Bars, bar{number(float64(i-first)*width + 1), number(plotHeight - height), number(width - 2), number(height)})
		}
	}
	b.To = duration(end(last))
	b.From = "0"
	if first > 0 {
		b.From = duration(end(first - 1))
	}
	return b
}

// duration writes one with three digits at most.
func duration(d time.Duration) string {
	switch {
	case d <= 0:
		return "0"
	case d < time.Millisecond:
		return brief(float64(d)/float64(time.Microsecond)) + " µs"
	case d < time.Second:
		return brief(float64(d)/float64(time.Millisecond)) + " ms"
	case d < 10*time.Minute:
		return brief(d.Seconds()) + " s"
	}
	return d.Round(time.Minute).String()
}

// brief writes a number with one digit behind the point if it is small.
func brief(v float64) string {
	if v < 10 && v != math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return grouped(strconv.FormatFloat(v, 'f', 0, 64))
}

func whole(v float64) string     { return grouped(strconv.FormatFloat(v, 'f', 0, 64)) }
func perSecond(v float64) string { return brief(v) + "/s" }
func mebibytes(v float64) string { return brief(v/(1<<20)) + " MiB" }
func lasting(v float64) string   { return duration(time.Duration(v)) }
