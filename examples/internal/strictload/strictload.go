// Package strictload is a load for tests that count every request that fails.
package strictload

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Client repeats nothing and forgives nothing, which [http.Client] does.
type Client struct {
	Address string
	conn    net.Conn
	r       *bufio.Reader
}

// RoundTrip sends a request as it is written. It keeps its connection until an answer says that it is
// closed.
func (c *Client) RoundTrip(request string) (status int, err error) {
	status, _, err = c.roundTrip(request)
	return status, err
}

func (c *Client) roundTrip(request string) (status int, body []byte, err error) {
	if c.conn == nil {
		if c.conn, err = net.Dial("tcp", c.Address); err != nil {
			return 0, nil, err
		}
		c.r = bufio.NewReader(c.conn)
	}
	_ = c.conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c.conn, request); err != nil {
		return 0, nil, err
	}
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0, nil, err
	}
	body, err = io.ReadAll(res.Body)
	if res.Close {
		c.Close()
	}
	return res.StatusCode, body, errors.Join(err, res.Body.Close())
}

// Close ends the connection, if there is one.
func (c *Client) Close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// Load is a number of clients that read and sell a product.
type Load struct {
	end            chan struct{}
	clients        sync.WaitGroup
	answered, sold atomic.Int64
	mu             sync.Mutex
	errs           []error
}

// Start sends requests for the product of this ID from 8 clients, every third of which sells one,
// until Stop. Each client rests for a pause after each answer.
func Start(address, id string, pause time.Duration) *Load {
	l := &Load{end: make(chan struct{})}
	get := "GET /v1/products/" + id + " HTTP/1.1\r\nHost: x\r\n\r\n"
	body := `{"delta":-1}`
	sell := fmt.Sprintf("POST /v1/products/%s/stock HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", id, len(body), body)
	for i := range 8 {
		l.clients.Go(func() {
			c := &Client{Address: address}
			defer c.Close()
			for n := i; ; n++ {
				select {
				case <-l.end:
					return
				case <-time.After(pause):
				}
				request := get
				if n%3 == 0 {
					request = sell
				}
				status, body, err := c.roundTrip(request)
				if err != nil || status != 200 {
					l.mu.Lock()
					l.errs = append(l.errs, fmt.Errorf("%.4s: %d %s %v", request, status, body, err))
					l.mu.Unlock()
					c.Close()
					continue
				}
				l.answered.Add(1)
				if request == sell {
					l.sold.Add(1)
				}
			}
		})
	}
	return l
}

// Stop ends the load and returns how many requests were answered with 200, how many of those sold
// one, and what happened to all others.
func (l *Load) Stop() (answered, sold int64, failed []error) {
	close(l.end)
	l.clients.Wait()
	return l.answered.Load(), l.sold.Load(), l.errs
}
