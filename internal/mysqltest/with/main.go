//go:build unix

// Command with runs a command beside one MySQL and one MariaDB server that all its processes share:
//
//	go run ./internal/mysqltest/with go test ./...
//
// It sets TEST_DATABASE_URL and REQUIRE_MYSQL=1 for the command, removes the servers when the
// command has ended, and exits with the command's code. Servers that TEST_DATABASE_URL already
// names are used as they are. See package mysqltest for where servers come from.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/productkit-go/productkit/internal/mysqltest"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: with COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	code, err := run(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "with:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(name string, args []string) (code int, err error) {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)

	url, stop, err := mysqltest.Provide(os.Stderr)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	select {
	case s := <-interrupts:
		return 1, fmt.Errorf("ended by %s", s)
	default:
	}

	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// A group of its own, so that a signal reaches the command's children too, and only once:
	// "go test" does not pass one on.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append(os.Environ(), "TEST_DATABASE_URL="+url, "REQUIRE_MYSQL=1")
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case s := <-interrupts:
				_ = syscall.Kill(-cmd.Process.Pid, s.(syscall.Signal))
			case <-done:
				return
			}
		}
	}()
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}
