//go:build !unix

package mysqltest

import (
	"errors"
	"os"
	"os/exec"
)

func detach(*exec.Cmd) {}

func terminate(p *os.Process) error { return p.Kill() }
func pause(*os.Process) error       { return errors.ErrUnsupported }
func resume(*os.Process) error      { return errors.ErrUnsupported }

// alive cannot tell here, and the reaper's next step tells by failing.
func alive(int) bool { return false }
