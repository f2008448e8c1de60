//go:build !unix

package main

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

const canSupervise = false

func handOn(*net.TCPListener) (*os.File, error) { return nil, errors.ErrUnsupported }

func ownGroup() *syscall.SysProcAttr { return nil }

func inheritedFiles() ([]*os.File, error) { return nil, errors.ErrUnsupported }

func processorTime() (time.Duration, bool) { return 0, false }
