// Package faults breaks real servers and the network before them while 32 callers with deadlines use
// a pool, and holds the pool to what it promises: every caller is answered in time with an error that
// says what happened, the server never sees more than the cap, what was acknowledged is in the
// database, full throughput is back at once, and nothing is left behind, the password in no log.
//
// It has tests only, under the build tag faults: they judge times, and so want a machine that is not
// busy with other tests. "make long" runs them, and "make soak-pool MINUTES=10" runs them as one long
// random sequence.
package faults
