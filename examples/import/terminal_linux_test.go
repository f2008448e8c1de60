package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// terminal returns the two ends of a pseudo-terminal (pty(7)).
func terminal(t *testing.T) (screen, program *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("there are no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	raw, err := screen.SyscallConn()
	require.NoError(t, err)
	var number uint32
	var ioctlErr error
	require.NoError(t, raw.Control(func(fd uintptr) {
		if ioctlErr = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); ioctlErr == nil {
			number, ioctlErr = unix.IoctlGetUint32(int(fd), unix.TIOCGPTN)
		}
	}))
	require.NoError(t, ioctlErr)
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = program.Close() })
	return screen, program
}

func TestATerminalShowsABar(t *testing.T) {
	t.Parallel()
	screen, program := terminal(t)
	fifo := t.TempDir() + "/products.csv"
	require.NoError(t, unix.Mkfifo(fifo, 0o600))
	in, err := os.OpenFile(fifo, os.O_RDWR, 0) // to write; reading, too, so that it waits for nobody
	require.NoError(t, err)
	cmd := command(t, os.Args[0], 3*time.Minute, newDatabase(t), fifo)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, program
	require.NoError(t, cmd.Start())
	require.NoError(t, program.Close())
	_, err = io.WriteString(in, rows(600)+"bad,Bad,cheap,EUR\n")
	require.NoError(t, err)
	shown := readUntil(t, screen, "601 rows, 1 refused")
	require.Contains(t, shown, `line 602, refused: SKU "bad": price `)
	require.Contains(t, shown, "\r", "the bar is drawn over itself")
	require.NoError(t, in.Close())
	_, _ = io.Copy(io.Discard, screen) // fails when the program has closed its end
	require.Error(t, cmd.Wait())
	require.Equal(t, exitRefused, cmd.ProcessState.ExitCode())
	require.Contains(t, out.String(), "601 rows: 600 created, 0 updated, 0 unchanged, 1 refused")
}
