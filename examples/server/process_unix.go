//go:build unix

package main

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// canSupervise: only Unix hands an open port to other processes.
const canSupervise = true

// ownGroup keeps a terminal's signals from a child.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// handOn returns a file of the port for child processes, with which they share its mode. That of
// net.TCPListener.File makes the port block, for everybody, whenever os/exec gives it to a child; and
// a listener that blocks cannot be closed.
func handOn(l *net.TCPListener) (file *os.File, err error) {
	raw, err := l.SyscallConn()
	if err != nil {
		return nil, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		var own int
		if own, failed = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); failed == nil {
			file = os.NewFile(uintptr(own), "port") // which os leaves in the mode in which it is
		}
	})
	return file, errors.Join(err, failed)
}

// processorTime is what this process has used of processors.
func processorTime() (used time.Duration, known bool) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}

// inheritedFiles are the listener, the status and the orders.
func inheritedFiles() ([]*os.File, error) {
	var files []*os.File
	for fd := listenerFD; fd <= ordersFD; fd++ {
		if err := syscall.SetNonblock(fd, true); err != nil { // or reading one would cost a thread
			return nil, os.NewSyscallError("fcntl", err)
		}
		files = append(files, os.NewFile(uintptr(fd), "inherited"))
	}
	return files, nil
}
