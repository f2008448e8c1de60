package console

import (
	"fmt"
	"strings"
	"time"

	"github.com/productkit-go/productkit/product/feed"
)

// progress is how far a run is, or what came of it.
type progress struct {
	Dry, Over   bool
	Stopping    bool
	Title       string
	Detail      string
	Read, Size  int64
	Counts      feed.Counts
	Rate        int64  // rows a second
	Time        string // so far and left, or in all
	Refusals    []refusal
	MoreRefused bool // than are shown
	Report      bool // there is one to take
	ReportCut   bool // it does not hold all
}

// refusal is a row that was refused, or taken with a warning.
type refusal struct {
	Line      int
	SKU       string
	Warning   bool
	Sentences string
}

func (r *importRun) progress() progress {
	over := r.over()
	r.mu.Lock()
	defer r.mu.Unlock()
	p := progress{Dry: r.dry, Over: over, Stopping: r.cancelled && !over, Read: min(r.read.Load(), r.size), Size: r.size, Counts: r.counts}
	took := time.Since(r.begun)
	if over {
		took = r.ended.Sub(r.begun)
	}
	if took > 0 {
		p.Rate = int64(float64(r.counts.Rows) / took.Seconds())
	}
	p.Time = inWords(took)
	switch {
	case over:
		p.Title, p.Detail = r.outcome()
	case p.Stopping:
		p.Title = "Stopping after the rows at hand"
	case r.dry:
		p.Title = "Trying"
	default:
		p.Title = "Importing"
	}
	if !over && p.Read > 0 && r.counts.Rows > 0 {
		left := time.Duration(float64(took) * float64(p.Size-p.Read) / float64(p.Read))
		p.Time += ", about " + inWords(left) + " left"
	}
	shown := r.told
	if !over { // the latest few
		shown = shown[max(0, len(shown)-5):]
	}
	for i := range shown {
		p.Refusals = append(p.Refusals, refusalOf(&shown[i]))
	}
	p.MoreRefused = over && r.counts.Refused+r.counts.Warnings > int64(len(r.told))
	p.Report, p.ReportCut = over && r.reported > 0, r.reported > mostReported
	return p
}

// outcome says how it ended.
func (r *importRun) outcome() (title, detail string) {
	const stays = "What was written stays. Importing the file again completes it."
	switch {
	case r.complete && r.dry:
		return "The dry run has ended", "Nothing was written. An import would come to this."
	case r.complete:
		return "The import has ended", ""
	case r.cancelled && r.dry:
		return "The dry run was cancelled", "Nothing was written."
	case r.cancelled:
		return "The import was cancelled", stays
	case r.dry:
		return "The dry run failed", "Nothing was written. " + sentence(r.failure)
	}
	return "The import failed", sentence(r.failure)
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func refusalOf(e *feed.Event) refusal {
	said := []string{strings.TrimSpace(e.Field + " " + e.Message)}
	for _, f := range e.More {
		said = append(said, strings.TrimSpace(f.Field+" "+f.Message))
	}
	return refusal{Line: e.Line, SKU: e.SKU, Warning: e.Kind == feed.EventWarning, Sentences: strings.Join(said, "; ")}
}

// inWords is a time as people say it: 8 s, 2 min 5 s.
func inWords(d time.Duration) string {
	s := int64(d.Round(time.Second).Seconds())
	if s < 60 {
		return fmt.Sprintf("%d s", s)
	}
	if s%60 == 0 {
		return fmt.Sprintf("%d min", s/60)
	}
	return fmt.Sprintf("%d min %d s", s/60, s%60)
}

// bytesOf is a size as people say it.
func bytesOf(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
}
