//go:build unix

package mysqltest

import (
	"os"
	"os/exec"
	"syscall"
)

// detach keeps a terminal's Ctrl-C from cmd: this process decides when it ends.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
func pause(p *os.Process) error     { return p.Signal(syscall.SIGSTOP) }
func resume(p *os.Process) error    { return p.Signal(syscall.SIGCONT) }

// alive reports whether a process of that number exists.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
