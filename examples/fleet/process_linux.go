package main

import "syscall"

const sigUsr1 = syscall.SIGUSR1

// ofItsOwn keeps a terminal's Ctrl-C from a child, which is told in its turn, and ends it with this
// process, however that ends.
func ofItsOwn() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
