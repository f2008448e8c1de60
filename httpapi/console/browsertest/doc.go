// Package browsertest holds the console against a real Chromium, with a catalogue on SQLite and on MySQL.
// It is a module of its own, so that chromedp stays out of users' builds.
package browsertest
