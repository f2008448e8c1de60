//go:build faults

package faults_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
)

// logs collects everything that a pool logs, with the attributes spelled out in both of slog's ways.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	return slog.New(slog.NewMultiHandler(slog.NewTextHandler(l, options), slog.NewJSONHandler(l, options)))
}

// take returns what was logged since the last take.
func (l *logs) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// The password of every pool. Its middle shows up however it is escaped, and the rest is what makes
// DSNs hard to read.
const (
	secretMark = "TOPSECRETxHORSE"
	password   = "p@:/?" + secretMark + "%&#"
)

func leaks(text string) bool { return strings.Contains(text, secretMark) }
