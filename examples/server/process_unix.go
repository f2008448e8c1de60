//go:build unix

package main

import (
	"os"
	"syscall"
)

// canSupervise: only Unix hands an open port to other processes.
const canSupervise = true

// ownGroup keeps a terminal's signals from a child.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

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
