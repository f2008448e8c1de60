package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Answers of every length come whole, one behind the other, whoever writes them and however.
func TestGatheredAnswersAreWhole(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	content := bytes.Repeat([]byte("0123456789"), 2000)
	require.NoError(t, os.WriteFile(file, content, 0o600))
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		body := content[:n]
		switch r.URL.Path {
		case "/length":
			w.Header().Set("Content-Length", strconv.Itoa(n))
			_, _ = w.Write(body)
		case "/pieces":
			w.Header().Set("Content-Length", strconv.Itoa(n))
			for len(body) > 0 {
				part := min(len(body), 700)
				_, _ = w.Write(body[:part])
				body = body[part:]
			}
		case "/chunks":
			_, _ = w.Write(body)
			_ = http.NewResponseController(w).Flush()
		case "/file":
			http.ServeFile(w, r, file)
		case "/broken":
			w.Header().Set("Content-Length", strconv.Itoa(n+1))
			_, _ = w.Write(body)
			panic(http.ErrAbortHandler)
		}
	}))
	srv.Listener = gathering{srv.Listener}
	srv.Start()
	defer srv.Close()
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for _, path := range []string{"/length", "/pieces", "/chunks", "/file", "/length"} {
		for n := 3700; n < 4200; n += 1 + n%3 {
			requireBody(t, client, srv.URL+path+"?n="+strconv.Itoa(n), n, path == "/file", content)
		}
		for _, n := range []int{0, 1, 2*block - 200, 2 * block, 3*block + 1, len(content)} {
			requireBody(t, client, srv.URL+path+"?n="+strconv.Itoa(n), n, path == "/file", content)
		}
	}
	for _, method := range []string{"HEAD", "GET"} {
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+"/length?n=8000", nil)
		require.NoError(t, err)
		res, err := client.Do(req)
		require.NoError(t, err)
		require.EqualValues(t, 8000, res.ContentLength)
		require.NoError(t, res.Body.Close())
	}
	for n := 3800; n < 4200; n++ {
		res, err := client.Get(srv.URL + "/broken?n=" + strconv.Itoa(n))
		if err == nil { // the header came
			_, err = io.ReadAll(res.Body)
			_ = res.Body.Close()
		}
		require.Error(t, err, n)
	}
}

func requireBody(t *testing.T, client *http.Client, url string, n int, all bool, content []byte) {
	t.Helper()
	res, err := client.Get(url)
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	if all {
		n = len(content)
	}
	require.Equal(t, content[:n], body, url)
}

// What is held comes together with the next block, and nothing is held that may be the last.
func TestOnlyTheFirstBlockOfALongAnswerIsHeld(t *testing.T) {
	t.Parallel()
	header := func(more string) []byte {
		h := []byte("HTTP/1.1 200 OK\r\n" + more + "\r\n\r\n")
		return append(h, bytes.Repeat([]byte("x"), block-len(h))...)
	}
	for name, b := range map[string][]byte{
		"no length":      header("Content-Type: text/plain"),
		"an error":       bytes.Replace(header("Content-Length: 9000"), []byte("200 OK"), []byte("404 No"), 1),
		"no end":         bytes.ReplaceAll(header("Content-Length: 9000"), []byte("\r\n\r\n"), []byte("\r\nx: ")),
		"no header":      bytes.Repeat([]byte("x"), block),
		"long":           header("Content-Length: 900000"),
		"no number":      header("Content-Length: 9x"),
		"just as long":   header("Content-Length: " + strconv.Itoa(block-len("HTTP/1.1 200 OK\r\nContent-Length: 4057\r\n\r\n"))),
		"in the content": append([]byte("HTTP/1.1 200 OK\r\n\r\nContent-Length: 9000\r\n\r\n"), header("")[:block-43]...),
	} {
		require.False(t, continues(b), name)
	}
	require.True(t, continues(header("Content-Length: 9000")))
	require.True(t, continues(header("Content-Length: "+strconv.Itoa(block-len("HTTP/1.1 200 OK\r\nContent-Length: 4057\r\n\r\n")+1))))

	var sent sink
	g := &gatherer{Conn: &sent}
	for _, b := range [][]byte{header("Content-Length: 9000"), []byte("the rest"), []byte("the next")} {
		n, err := g.Write(b)
		require.NoError(t, err)
		require.Equal(t, len(b), n)
		if len(b) == block {
			require.Empty(t, sent.written)
		}
	}
	require.Equal(t, string(header("Content-Length: 9000"))+"the restthe next", string(sent.written))
	_, _ = g.Write(header("Content-Length: 9000"))
	require.NoError(t, g.Close())
	require.Len(t, sent.written, 2*block+len("the restthe next"), "of an answer that was broken off, what there is")
}

// sink is a connection that keeps what is written.
type sink struct {
	net.Conn
	written []byte
}

func (s *sink) Write(b []byte) (int, error) {
	s.written = append(s.written, b...)
	return len(b), nil
}

func (s *sink) Close() error { return nil }

// Without CloseWrite the refusal of a body that is still being sent would be lost in a reset.
func TestGatheredConnectionsAreClosedOneSideFirst(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusRequestEntityTooLarge) // with the body unread
	}))
	srv.Listener = gathering{srv.Listener}
	srv.Start()
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
	require.NoError(t, err)
	_, err = conn.Write(make([]byte, 1<<20)) // more than the server reads of it
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err, "the end of the answer, and no reset")
	require.Contains(t, string(answer), "413")
}
