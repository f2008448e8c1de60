//go:build unix

package sqlstore_test

import "golang.org/x/sys/unix"

// monotonic reads the machine's own clock, CLOCK_MONOTONIC in nanoseconds: it never goes back, and
// is the same for every process. What [time.Now] reads of it counts from the start of a process.
func monotonic() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err)
	}
	return now.Nano()
}
