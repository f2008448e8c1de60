//go:build !unix

package main

import (
	"errors"
	"os"
	"syscall"
)

const canSupervise = false

func ownGroup() *syscall.SysProcAttr { return nil }

func inheritedFiles() ([]*os.File, error) { return nil, errors.ErrUnsupported }
