//go:build !linux

package main

import "syscall"

const sigUsr1 = syscall.SIGTERM // not every system has another

func ofItsOwn() *syscall.SysProcAttr { return nil }
