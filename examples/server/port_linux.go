package main

import (
	"errors"
	"math"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// shut drops what would begin a connection from now on. The client tries again after a second, and is
// refused when the port is closed.
func shut(l *net.TCPListener) {
	noSYN := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13},         // the flags of TCP's header
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: 2, Jf: 1}, // with SYN
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},                        // it is dropped,
		{Code: unix.BPF_RET | unix.BPF_K, K: math.MaxUint32},           // else taken whole
	}
	_ = control(l, func(fd int) error { // it may be closed
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(noSYN)), Filter: &noSYN[0]})
	})
}

const (
	acceptedEvery = 50 * time.Millisecond // more than a handshake takes
	acceptedTries = 20
)

// awaitAccepted returns when no connection waits to be accepted, or after a second.
func awaitAccepted(l *net.TCPListener) {
	waiting := uint32(1)
	for try := 0; try < acceptedTries && waiting > 0; try++ {
		time.Sleep(acceptedEvery)
		err := control(l, func(fd int) error {
			info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
			if err == nil {
				waiting = info.Unacked // which is what waits, of a listener
			}
			return err
		})
		if err != nil {
			return
		}
	}
}

func control(l *net.TCPListener, f func(fd int) error) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	return errors.Join(raw.Control(func(fd uintptr) { failed = f(int(fd)) }), failed)
}
