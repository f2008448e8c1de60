package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/productkit-go/productkit/product/feed"
)

// display shows how far an import is: a bar on a terminal, and lines elsewhere.
type display struct {
	w      io.Writer
	source *counter
	size   int64                    // of the file; -1 if it is a pipe
	bar    *progressbar.ProgressBar // nil where there is no terminal
}

func newDisplay(w io.Writer, source *counter, size int64) *display {
	d := &display{w: w, source: source, size: size}
	if file, ok := w.(*os.File); !ok || !term.IsTerminal(int(file.Fd())) {
		return d
	}
	d.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true), progressbar.OptionFullWidth(),
		progressbar.OptionSetSpinnerChangeInterval(0)) // which would leave a goroutine behind
	return d
}

// every is the time between two displays.
func (d *display) every() time.Duration {
	if d.bar != nil {
		return 200 * time.Millisecond
	}
	return time.Second
}

func (d *display) progress(c feed.Counts) {
	read := d.source.n.Load()
	switch {
	case d.bar != nil:
		d.bar.Describe(fmt.Sprintf("%d rows, %d refused", c.Rows, c.Refused))
		if d.size >= 0 {
			read = min(read, d.size-1) // a full bar would end before the last rows landed
		}
		_ = d.bar.Set64(read)
	case d.size > 0:
		_, _ = fmt.Fprintf(d.w, "%d %%: %s\n", min(100*read/d.size, 100), told(c))
	default:
		_, _ = fmt.Fprintln(d.w, told(c))
	}
}

// Write puts lines above the bar, which comes back with the next progress.
func (d *display) Write(lines []byte) (int, error) {
	d.end()
	return d.w.Write(lines)
}

// end takes the bar away.
func (d *display) end() {
	if d.bar != nil {
		_ = d.bar.Clear()
	}
}

func told(c feed.Counts) string {
	return fmt.Sprintf("%d rows: %d created, %d updated, %d unchanged, %d refused", c.Rows, c.Created, c.Updated, c.Unchanged, c.Refused)
}
