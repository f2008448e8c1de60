// Package faults breaks real servers and the network before them while 32 callers with deadlines use
// a pool, and holds the pool to what it promises: every caller is answered in time with an error that
// says what happened, the server never sees more than the cap, what was acknowledged is in the
// database, full throughput is back at once, and nothing is left behind, the password in no log.
//
// It has tests only. "make soak-pool MINUTES=10" runs them as one long random sequence.
package faults
