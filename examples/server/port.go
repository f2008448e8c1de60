package main

import "net"

// openPort is a listener whose end lets nobody down: closing one resets the connections that have been made
// and not yet accepted, on which requests may be on their way already.
type openPort struct{ *net.TCPListener }

// Close waits until whoever has connected is accepted, and lets nobody connect meanwhile.
func (p openPort) Close() error {
	shut(p.TCPListener)
	return sharedPort(p).Close()
}

// sharedPort is one that another process shuts.
type sharedPort struct{ *net.TCPListener }

// Close waits until whoever has connected is accepted.
func (p sharedPort) Close() error {
	awaitAccepted(p.TCPListener)
	return p.TCPListener.Close()
}
