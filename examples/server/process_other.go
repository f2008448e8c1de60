//go:build !unix

package main

import (
	"errors"
	"net"
	"os"
	"syscall"
)

const canSupervise = false

func handOn(*net.TCPListener) (*os.File, error) { return nil, errors.ErrUnsupported }

func ownGroup() *syscall.SysProcAttr { return nil }

func inheritedFiles() ([]*os.File, error) { return nil, errors.ErrUnsupported }
