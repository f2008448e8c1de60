//go:build !unix

package sqlstore_test

import "time"

// monotonic reads the machine's wall clock, which is good enough while nobody sets it.
func monotonic() int64 { return time.Now().UnixNano() }
