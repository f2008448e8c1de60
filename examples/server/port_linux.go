package main

import (
	"math"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

const (
	quietEvery = 50 * time.Millisecond // more than a handshake takes
	quietTries = 20
)

// quiet drops what would begin a connection, which the client then tries again and finds refused, and
// returns when those that have begun are accepted, or after a second.
func quiet(l *net.TCPListener) {
	raw, err := l.SyscallConn()
	if err != nil {
		return // it is closed
	}
	noSYN := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13},         // the flags of TCP's header
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: 2, Jf: 1}, // with SYN
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},                        // it is dropped,
		{Code: unix.BPF_RET | unix.BPF_K, K: math.MaxUint32},           // else taken whole
	}
	control := func(f func(fd int) error) bool {
		var failed error
		err := raw.Control(func(fd uintptr) { failed = f(int(fd)) })
		return err == nil && failed == nil
	}
	waiting := uint32(1)
	if !control(func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(noSYN)), Filter: &noSYN[0]})
	}) {
		return
	}
	for try := 0; try < quietTries && waiting > 0; try++ {
		time.Sleep(quietEvery)
		if !control(func(fd int) error {
			info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
			if err == nil {
				waiting = info.Unacked // of a listener: what waits to be accepted
			}
			return err
		}) {
			return
		}
	}
}
