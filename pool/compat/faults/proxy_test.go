//go:build faults

package faults_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// proxy is a toxiproxy in this process.
type proxy struct{ *toxiproxy.Proxy }

func newProxy(t *testing.T, upstream string) *proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := &proxy{toxiproxy.NewProxy(server, "database", "127.0.0.1:0", upstream)}
	require.NoError(t, p.Start())
	t.Cleanup(p.Stop)
	return p
}

// poison adds a toxic to both directions and returns how to remove it.
func (p *proxy) poison(t *testing.T, kind string, attributes map[string]any, streams ...string) (cure func()) {
	t.Helper()
	if len(streams) == 0 {
		streams = []string{"downstream", "upstream"}
	}
	for _, stream := range streams {
		text, err := json.Marshal(map[string]any{"name": stream, "type": kind, "stream": stream, "attributes": attributes})
		require.NoError(t, err)
		_, err = p.Toxics.AddToxicJson(strings.NewReader(string(text)))
		require.NoError(t, err)
	}
	return func() {
		for _, stream := range streams {
			require.NoError(t, p.Toxics.RemoveToxic(context.Background(), stream))
		}
	}
}

// relay is a TCP proxy that can close one direction only, which toxiproxy cannot.
type relay struct {
	listener net.Listener
	upstream string
	running  sync.WaitGroup

	mu    sync.Mutex
	links map[*link]bool
}

type link struct{ client, server *net.TCPConn }

func newRelay(t *testing.T, upstream string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &relay{listener: listener, upstream: upstream, links: map[*link]bool{}}
	r.running.Go(r.accept)
	t.Cleanup(func() {
		listener.Close()
		r.each(func(l *link) { l.client.Close(); l.server.Close() })
		r.running.Wait()
	})
	return r
}

func (r *relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.upstream)
		if err != nil {
			client.Close()
			continue
		}
		l := &link{client.(*net.TCPConn), server.(*net.TCPConn)}
		r.mu.Lock()
		r.links[l] = true
		r.mu.Unlock()
		r.running.Go(func() {
			var both sync.WaitGroup
			both.Go(func() { io.Copy(l.server, l.client); l.server.CloseWrite() })
			both.Go(func() { io.Copy(l.client, l.server); l.client.CloseWrite() })
			both.Wait()
			l.client.Close()
			l.server.Close()
			r.mu.Lock()
			delete(r.links, l)
			r.mu.Unlock()
		})
	}
}

func (r *relay) each(do func(*link)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := range r.links {
		do(l)
	}
}

// halfClose ends the direction from the server to the client on every connection. The other one
// stays open: what the client sends still arrives.
func (r *relay) halfClose() { r.each(func(l *link) { l.client.CloseWrite() }) }
