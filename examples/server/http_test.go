//go:build linux

package main

import (
	"bufio"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/examples/internal/strictload"
	"github.com/productkit-go/productkit/internal/testscale"
)

// writePair writes a certificate of this name and its key.
func writePair(t *testing.T, certFile, keyFile, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

func TestACertificateThatIsRenewedIsUsed(t *testing.T) {
	t.Parallel()
	certFile, keyFile := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	writePair(t, certFile, keyFile, "old.example")
	var log buffer
	c, err := newCertificate(certFile, keyFile, logTo(&log))
	require.NoError(t, err)
	name := func() string {
		t.Helper()
		c.checked = time.Time{} // its ten seconds are over
		pair, err := c.get(nil)
		require.NoError(t, err)
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		require.NoError(t, err)
		return leaf.Subject.CommonName
	}
	require.Equal(t, "old.example", name())
	age := func(d time.Duration) {
		for _, file := range []string{certFile, keyFile} {
			require.NoError(t, os.Chtimes(file, time.Time{}, time.Now().Add(d)))
		}
	}
	require.NoError(t, os.WriteFile(certFile, []byte("half of it"), 0o600))
	age(time.Minute)
	require.Equal(t, "old.example", name(), "until both have been replaced")
	require.Contains(t, log.String(), "the one of before stays")
	writePair(t, certFile, keyFile, "new.example")
	age(2 * time.Minute)
	require.Equal(t, "new.example", name())
	_, err = newCertificate(certFile, "/nowhere", logTo(&log))
	require.ErrorContains(t, err, "TLS_KEY_FILE")
}

func TestTLSAndPagesOfOtherOrigins(t *testing.T) {
	t.Parallel()
	certFile, keyFile := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	writePair(t, certFile, keyFile, "shop.example")
	port := strings.TrimPrefix(nobody(t), "127.0.0.1:")
	env := []string{"TLS_CERT_FILE=" + certFile, "TLS_KEY_FILE=" + keyFile, "PORT=" + port, "CORS_ORIGINS=https://admin.example", "HOST=0.0.0.0"}
	ask := func() int {
		p, _ := launching{args: []string{"-healthcheck"}}.launch(t, env...)
		return p.exit(t)
	}
	require.Equal(t, 1, ask(), "nobody is there")
	p := start(t, env...)
	require.Contains(t, p.banner, "https://")
	require.Zero(t, ask())

	conn, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{InsecureSkipVerify: true})
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.Equal(t, "shop.example", conn.ConnectionState().PeerCertificates[0].Subject.CommonName)
	_, err = io.WriteString(conn, "OPTIONS /v1/products HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: https://admin.example\r\n"+
		"Access-Control-Request-Method: PATCH\r\nAccess-Control-Request-Headers: if-match\r\n\r\n")
	require.NoError(t, err)
	preflight, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Contains(t, string(preflight), "Access-Control-Allow-Origin: https://admin.example")
	require.Contains(t, string(preflight), "Access-Control-Allow-Methods: PATCH")
	p.stop(t)
}

// Who sends headers slowly, or too many, is cut, and the others are served meanwhile.
func TestSlowAndGreedyClientsAreCut(t *testing.T) {
	t.Parallel()
	p := start(t)
	dial := func(first string) net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
		_, err = io.WriteString(conn, first)
		require.NoError(t, err)
		return conn
	}
	slow := make([]net.Conn, 50)
	for i := range slow {
		slow[i] = dial("GET /v1/products HTTP/1.1\r\nHost: x\r\nX-A: ")
	}
	greedy := dial("GET /v1/products HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 80<<10) + "\r\n\r\n")
	answer, _ := io.ReadAll(greedy) // the rest of what it sent may reset the connection
	require.Contains(t, string(answer), "431 Request Header Fields Too Large")
	require.Equal(t, 200, p.call(t, "GET", "/v1/products", "").status)
	for _, conn := range slow {
		_, err := io.ReadAll(conn)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "it was cut")
	}
	p.stop(t)
}

func TestAnswersAreCompressedAndTraced(t *testing.T) {
	t.Parallel()
	p := start(t)
	for i := range 20 {
		r := p.call(t, "POST", "/v1/products", fmt.Sprintf(`{"sku":"S-%d","name":"Lamp","price":{"amount":1,"currency":"EUR"}}`, i), "Content-Type: application/json")
		require.Equal(t, 201, r.status)
	}
	plain := p.call(t, "GET", "/v1/products", "", "Accept-Encoding: identity")
	require.Empty(t, plain.header.Get("Content-Encoding"))
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for coding, open := range map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	} {
		r := p.call(t, "GET", "/v1/products", "", "Accept-Encoding: "+coding, "Traceparent: "+parent)
		require.Equal(t, coding, r.header.Get("Content-Encoding"))
		require.Contains(t, r.header.Values("Vary"), "Accept-Encoding")
		require.Less(t, len(r.body), len(plain.body)/4)
		unpacked, err := open(strings.NewReader(r.body))
		require.NoError(t, err)
		body, err := io.ReadAll(unpacked)
		require.NoError(t, err)
		require.Equal(t, plain.body, string(body))
	}
	require.Eventually(t, func() bool { return strings.Contains(p.stderr.String(), "trace_id=4bf92f3577b34da6a3ce929d0e0e4736") }, 10*time.Second, time.Millisecond)

	// Events are not held back to be packed.
	req, err := http.NewRequestWithContext(t.Context(), "GET", p.url+"/v1/changes?after=0", nil)
	require.NoError(t, err)
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Accept-Encoding", "gzip, zstd")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	require.Empty(t, res.Header.Get("Content-Encoding"))
	events := bufio.NewScanner(res.Body)
	for seen := 0; seen < 20; {
		require.True(t, events.Scan())
		if events.Text() == "event: change" {
			seen++
		}
	}
	require.NoError(t, res.Body.Close())
	p.stop(t)
}

// Connections on which nothing happens cost memory and no threads, and disturb nobody.
func TestIdleConnectionsAreCarried(t *testing.T) {
	t.Parallel()
	p := start(t)
	id := p.stocked(t, 5)
	before := p.observed(t, "process:memory")
	idle := testscale.N(500, 10_000)
	for range idle {
		c := &strictload.Client{Address: strings.TrimPrefix(p.url, "http://")}
		status, err := c.RoundTrip("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		require.Equal(t, 200, status)
		t.Cleanup(c.Close)
	}
	require.Equal(t, 200, p.call(t, "GET", "/v1/products/"+id, "").status)
	require.LessOrEqual(t, p.threads(t), 20)
	more := p.observed(t, "process:memory") - before
	t.Logf("%d idle connections: %.0f KiB each", idle, more/1024/float64(idle))
	require.Less(t, more, float64(idle*64<<10))
	p.stop(t)
}
