package main

import (
	"io"
	"sync"
	"time"
)

// lines is a writer for a log that many write to at once. Where lines are rare each is written by whoever
// logs it. Where they are not they gather while a write is under way, and the next one takes them all: who
// answers requests waits for no system call, and there are fewer of them the busier it gets.
//
// Lines reach the writer in their order, and late by no more than it takes for the one before. An error of it
// is lost, as there is nobody to be told.
type lines struct {
	w io.Writer

	mu      sync.Mutex
	changed sync.Cond // next or writing
	next    []byte    // gathered
	spare   []byte    // the memory of what is written
	writing bool
	last    time.Time // a line came
}

const (
	rareLine     = time.Millisecond // apart
	mostGathered = 1 << 20          // bytes: behind a writer that stalls, who logs waits, too
)

func newLines(w io.Writer) *lines {
	l := &lines{w: w}
	l.changed.L = &l.mu
	return l
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.next) > mostGathered {
		l.changed.Wait()
	}
	l.next = append(l.next, line...)
	now := time.Now()
	rare := now.Sub(l.last) > rareLine
	l.last = now
	if l.writing {
		return len(line), nil
	}
	l.writing = true
	if rare {
		l.writeLocked()
	}
	if l.writing = len(l.next) > 0; l.writing {
		go l.writeAll()
	}
	return len(line), nil
}

func (l *lines) writeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.next) > 0 {
		l.writeLocked()
	}
	l.writing = false
	l.changed.Broadcast()
}

// writeLocked writes what has gathered. It unlocks meanwhile.
func (l *lines) writeLocked() {
	now := l.next
	l.next = l.spare[:0]
	l.mu.Unlock()
	_, _ = l.w.Write(now)
	l.mu.Lock()
	l.spare = now
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
