package main

import (
	"net"
	"time"
)

// openPort is a listener whose end lets nobody down: closing one resets the connections that have been made
// and not yet accepted, on which requests may be on their way already.
type openPort struct{ *net.TCPListener }

// Close waits until whoever has connected is accepted, and lets nobody connect meanwhile.
func (p openPort) Close() error {
	shut(p.TCPListener)
	awaitAccepted(p.TCPListener)
	return p.TCPListener.Close()
}

// sharedPort is one that another process shuts at the time at which this one closes it.
type sharedPort struct{ *net.TCPListener }

// shutLate is how late the other process may be on a busy machine.
const shutLate = 200 * time.Millisecond

// Close waits until whoever has connected is accepted.
func (p sharedPort) Close() error {
	time.Sleep(shutLate)
	awaitAccepted(p.TCPListener)
	return p.TCPListener.Close()
}
