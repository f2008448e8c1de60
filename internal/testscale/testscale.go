// Package testscale gives tests two sizes: a small one for "make test", which everybody waits for,
// and the full one for "make long".
package testscale

import "os"

// Long reports whether tests run with their full parameters: PRODUCTKIT_LONG is "1".
func Long() bool { return os.Getenv("PRODUCTKIT_LONG") == "1" }

// N returns small, or full where [Long] is true. Both stand in the call, so that a reader of the
// test sees what either run does:
//
//	buyers := testscale.N(20, 200)
func N[T any](small, full T) T {
	if Long() {
		return full
	}
	return small
}
