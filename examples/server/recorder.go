package main

import (
	"cmp"
	"io"
	"net/http"
)

// recorder counts what is written through it. It is what github.com/felixge/httpsnoop's Metrics are, at
// one allocation a request instead of eight: the handlers reach what is beneath it by Unwrap, so it need
// not pretend to have just the methods of that.
type recorder struct {
	http.ResponseWriter
	status  int
	written int64
}

// code is what has been answered, or will be.
func (r *recorder) code() int { return cmp.Or(r.status, http.StatusOK) }

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) { // others only announce one
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.status = r.code()
	n, err := r.ResponseWriter.Write(b)
	r.written += int64(n)
	return n, err
}

// ReadFrom lets the kernel copy files, as [http.Server] does.
func (r *recorder) ReadFrom(from io.Reader) (int64, error) {
	r.status = r.code()
	n, err := io.Copy(r.ResponseWriter, from)
	r.written += n
	return n, err
}

// Flush is for writers around this one that do not look for Unwrap.
func (r *recorder) Flush() { _ = http.NewResponseController(r.ResponseWriter).Flush() }
