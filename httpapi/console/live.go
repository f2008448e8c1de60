package console

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/productkit-go/productkit/product"
)

const (
	// liveRows is how many changes the page shows; older ones leave it.
	liveRows = 200

	// livePace is the least time between two events of a stream. People read no faster, and a browser
	// that takes every change of an import by itself does nothing else.
	livePace = 250 * time.Millisecond

	// liveBeat is how often a stream without news gives a sign of life.
	liveBeat = 15 * time.Second

	// liveLength ends a stream, so that the browser, which comes back by itself, is authorized anew.
	liveLength = 10 * time.Minute

	// newestWait bounds the walk to the end of a feed that nobody has read for long.
	newestWait = 5 * time.Second
)

// livePage is what the page of changes shows.
type livePage struct {
	Rows  []changeRow // the newest first
	After product.Seq // where the stream goes on
	Most  int         // rows
	Whole bool        // the end of the feed was reached
}

// changeRow is a change.
type changeRow struct {
	product.Change
	Facts []altered
}

// altered is one member that has changed.
type altered struct {
	Name          string
	Before, After string // blank: too long to be shown, or nothing
}

// changes shows the newest changes.
func (h *Handler) changes(w http.ResponseWriter, r *http.Request) error {
	found, after, whole, err := h.newest(r.Context(), liveRows)
	if err != nil {
		return err
	}
	return h.render(w, r, http.StatusOK, "live.html", "Changes", livePage{Rows: changeRows(found), After: after, Most: liveRows, Whole: whole})
}

// followChanges sends changes as server-sent events whose data are rows of the table, until the browser goes
// or the Handler is closed. What a page could not hold anyway is not sent.
func (h *Handler) followChanges(w http.ResponseWriter, r *http.Request) error {
	defer h.followers.Add(-1)
	if h.followers.Add(1) > int64(h.opts.MaxFollowers) && h.opts.MaxFollowers > 0 {
		return product.ErrOverloaded
	}
	last := r.Header.Get("Last-Event-Id") // with which a browser comes back
	if last == "" {
		last = r.URL.Query().Get("after")
	}
	after, err := strconv.ParseInt(last, 10, 64)
	if err != nil {
		return &product.InvalidError{Faults: []product.Fault{{Field: "after", Code: "format", Message: "must be the id of the last event"}}}
	}
	if h.alive.Err() != nil {
		return product.ErrClosed
	}
	ctx, cancel := context.WithTimeout(r.Context(), liveLength)
	defer cancel()
	defer context.AfterFunc(h.alive, cancel)()
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("X-Accel-Buffering", "no") // nginx would keep the events for itself
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // the server's would end the request
	s := liveStream{h: h, w: w, control: control, mount: h.mount(r)}
	if err := s.send("retry: 2000\n\n"); err != nil {
		return nil // the browser has gone, or nothing gets through a middleware; the page has a link to refresh
	}
	if err := s.follow(ctx, product.Seq(after)); ctx.Err() == nil {
		h.opts.Logger.InfoContext(ctx, "console: a stream of changes was ended", "error", err)
	}
	return nil
}

// liveStream writes events.
type liveStream struct {
	h       *Handler
	w       http.ResponseWriter
	control *http.ResponseController
	mount   string
}

func (s *liveStream) follow(ctx context.Context, after product.Seq) error {
	for {
		page, err := s.await(ctx, after)
		switch {
		case errors.Is(err, product.ErrChangesExpired), errors.Is(err, product.ErrInvalid):
			return errors.Join(err, s.send("event: again\ndata: \n\n")) // only a new page can go on
		case err != nil:
			return err // the browser comes back
		case len(page) == 0:
			if err := s.send(":\n\n"); err != nil {
				return err
			}
			continue
		}
		after = page[len(page)-1].Seq
		if err := s.tell(page); err != nil {
			return err
		}
		select {
		case <-time.After(livePace):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// await waits for changes. It returns none when it is time for a sign of life.
func (s *liveStream) await(ctx context.Context, after product.Seq) ([]product.Change, error) {
	silent, cancel := context.WithTimeout(ctx, liveBeat)
	defer cancel()
	page, err := s.h.svc.AwaitChanges(silent, after, product.MaxChanges)
	if err != nil && silent.Err() != nil && ctx.Err() == nil {
		return nil, nil
	}
	return page, err
}

// tell sends an event with the rows of a page.
func (s *liveStream) tell(changes []product.Change) error {
	last := changes[len(changes)-1].Seq
	var rows bytes.Buffer
	data := page{Mount: s.mount, Data: livePage{Rows: changeRows(changes[max(0, len(changes)-liveRows):])}}
	if err := pages()["live.html"].ExecuteTemplate(&rows, "changes", data); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("id: " + strconv.FormatInt(int64(last), 10) + "\nevent: changes\n")
	for line := range strings.SplitSeq(strings.ReplaceAll(strings.TrimSpace(rows.String()), "\r", "\n"), "\n") {
		b.WriteString("data: " + line + "\n")
	}
	return s.send(b.String() + "\n")
}

func (s *liveStream) send(text string) error {
	var deadline time.Time
	if idle := s.h.opts.StreamIdle; idle > 0 {
		deadline = time.Now().Add(idle)
	}
	_ = s.control.SetWriteDeadline(deadline)
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}

// newest returns the last n changes of the feed and its end. Whole is false if the end is not reached in
// newestWait, as when a feed is long that nobody has read before.
func (h *Handler) newest(ctx context.Context, n int) (found []product.Change, end product.Seq, whole bool, err error) {
	if end, err = h.numbered(ctx); err != nil {
		return nil, 0, false, err
	}
	at := max(0, end-product.Seq(n))
	for begun := time.Now(); time.Since(begun) < newestWait; {
		page, err := h.svc.Changes(ctx, at, product.MaxChanges)
		var expired *product.ChangesExpiredError
		switch {
		case errors.As(err, &expired) && expired.Oldest > at:
			at = expired.Oldest
			end = max(end, at)
			continue
		case err != nil:
			return nil, 0, false, err
		case len(page) == 0:
			whole = true
		}
		if whole {
			break
		}
		found = append(found, page...)
		found = append([]product.Change(nil), found[max(0, len(found)-n):]...)
		at = found[len(found)-1].Seq
		end = at
	}
	h.reached.Store(int64(end))
	return found, end, whole, nil
}

// numbered returns a position near the end of what is numbered. It goes on where it was the last time, in
// steps that double, and so asks a few times as often as the feed's length has bits.
func (h *Handler) numbered(ctx context.Context) (product.Seq, error) {
	at := product.Seq(h.reached.Load())
	newest, err := h.reaches(ctx, at)
	if newest < at && err == nil {
		at, err = 0, nil // another database, or an older state of this one
		newest, err = h.reaches(ctx, 0)
	}
	at = newest
	step := product.Seq(product.MaxChanges)
	for up := true; err == nil && step >= liveRows; {
		var found product.Seq
		if found, err = h.reaches(ctx, at+step); found >= at+step {
			at = found
		} else {
			up = false
		}
		if up {
			step *= 2
		} else {
			step /= 2
		}
	}
	return at, err
}

// reaches returns a position that the feed has reached: seq itself if it has, a later one if seq has
// expired, and -1 if it has not.
func (h *Handler) reaches(ctx context.Context, seq product.Seq) (product.Seq, error) {
	_, err := h.svc.Changes(ctx, seq, 1)
	var expired *product.ChangesExpiredError
	switch {
	case errors.As(err, &expired):
		return max(expired.Newest, seq), nil
	case errors.Is(err, product.ErrInvalid):
		return -1, nil
	}
	return seq, err
}

// changeRows are the rows of changes that come the oldest first.
func changeRows(changes []product.Change) []changeRow {
	rows := make([]changeRow, len(changes))
	for i, c := range changes {
		row := changeRow{Change: c}
		for _, f := range c.Fields {
			row.Facts = append(row.Facts, altered{f.Field, short(f.Before), short(f.After)})
		}
		rows[len(rows)-1-i] = row
	}
	return rows
}

// short is a value of JSON if it takes no more room than a number or a few words.
func short(value []byte) string {
	if s := string(value); len(s) <= 40 {
		return s
	}
	return ""
}
