package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// lines is what a log is written through that many write to at once. Where lines are rare each is written by
// whoever logs it. Where they are not they gather for a while, and then all get their texts and are written
// together: who answers requests waits for no system call, and what makes texts, one after the other, finds
// all that it needs in the processor's caches.
//
// Lines reach the writer late by no more than gatherFor and what it takes for those before. An error of it is
// lost, as there is nobody to be told.
type lines struct {
	w io.Writer

	mu      sync.Mutex
	changed sync.Cond    // any of these
	records []lateRecord // have no texts yet
	texts   []byte
	making  bool      // somebody makes texts
	writing bool      // somebody writes, or is to when gatherFor has passed: as long as there are records
	last    time.Time // a line came

	// The memory of what has been written.
	spareRecords []lateRecord
	spareTexts   []byte
}

// lateRecord is a line that gets its text from a handler later.
type lateRecord struct {
	handler slog.Handler
	slog.Record
}

const (
	rareLine    = time.Millisecond     // apart
	gatherFor   = 5 * time.Millisecond // at 20,000 requests a second for a hundred lines
	mostRecords = 4096                 // and
	mostTexts   = 1 << 20              // bytes: behind a writer that stalls, who logs waits, too
)

func newLines(w io.Writer) *lines {
	l := &lines{w: w}
	l.changed.L = &l.mu
	return l
}

// behind makes texts with a handler that writes to lines, behind the back of who logs them, unless they are
// rare. What could be another text by then, such as an error's, is made at once.
type behind struct {
	slog.Handler
	lines *lines
}

func (b behind) Handle(ctx context.Context, r slog.Record) error {
	if lasts(r) && b.lines.later(lateRecord{b.Handler, r}) {
		return nil
	}
	b.lines.makeTexts() // of those before it
	err := b.Handler.Handle(ctx, r)
	b.lines.write()
	return err
}

func (b behind) WithAttrs(attrs []slog.Attr) slog.Handler {
	return behind{b.Handler.WithAttrs(attrs), b.lines}
}

func (b behind) WithGroup(name string) slog.Handler {
	return behind{b.Handler.WithGroup(name), b.lines}
}

// lasts reports whether a record's text is the same whenever it is made.
func lasts(r slog.Record) bool {
	all := true
	r.Attrs(func(a slog.Attr) bool {
		switch a.Value.Kind() {
		case slog.KindAny, slog.KindGroup, slog.KindLogValuer:
			all = false
		}
		return all
	})
	return all
}

// later takes a line whose text can wait, and reports whether it has: not where lines are rare.
func (l *lines) later(r lateRecord) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	rare := r.Time.Sub(l.last) > rareLine
	l.last = r.Time
	if rare && !l.writing {
		return false
	}
	for len(l.records) >= mostRecords {
		l.changed.Wait()
	}
	l.records = append(l.records, r)
	l.writeSoonLocked()
	return true
}

// makeTexts makes those that are late. It waits while there is no room for them.
func (l *lines) makeTexts() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.texts) > mostTexts {
		l.changed.Wait()
	}
	l.makeTextsLocked()
}

// makeTextsLocked unlocks meanwhile.
func (l *lines) makeTextsLocked() {
	for l.making {
		l.changed.Wait()
	}
	now := l.records
	if len(now) == 0 {
		return
	}
	l.records, l.making = l.spareRecords[:0], true
	l.mu.Unlock()
	for _, r := range now {
		_ = r.handler.Handle(context.Background(), r.Record) // which comes back to Write
	}
	clear(now)
	l.mu.Lock()
	l.spareRecords, l.making = now, false
	l.changed.Broadcast()
}

// Write takes the text of a line from its handler, which has it under a lock of its own.
func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.texts = append(l.texts, text...)
	return len(text), nil
}

// write writes what has a text, unless somebody does or will.
func (l *lines) write() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.writing {
		l.writing = true
		l.writeLocked()
	}
}

// writeSoonLocked sees that what has gathered is written.
func (l *lines) writeSoonLocked() {
	if !l.writing {
		l.writing = true
		time.AfterFunc(gatherFor, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.makeTextsLocked()
			l.writeLocked()
		})
	}
}

// writeLocked writes what has a text, which ends l.writing. It unlocks meanwhile.
func (l *lines) writeLocked() {
	now := l.texts
	l.texts = l.spareTexts[:0]
	l.mu.Unlock()
	_, _ = l.w.Write(now)
	l.mu.Lock()
	l.spareTexts, l.writing = now, false
	if len(l.records)+len(l.texts) > 0 {
		l.writeSoonLocked()
	}
	l.changed.Broadcast()
}

// flush returns when everything is written.
func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.writing {
		l.changed.Wait()
	}
}
