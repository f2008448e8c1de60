package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a pair of files that is read again when one of them has changed, so that a renewed
// certificate is used without a restart.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	read    [2]time.Time // the files' times when the pair was read
	checked time.Time
}

// certificateEvery is how long a changed file may go unnoticed.
const certificateEvery = 10 * time.Second

// newCertificate reads the files, whose names are those of TLS_CERT_FILE and TLS_KEY_FILE.
func newCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.refresh(); err != nil {
		return nil, fmt.Errorf("TLS_CERT_FILE and TLS_KEY_FILE: %w", err)
	}
	return c, nil
}

// get is a [tls.Config].GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) >= certificateEvery {
		if err := c.refresh(); err != nil {
			c.log.Warn("the certificate could not be read again; the one of before stays", "error", err)
		}
	}
	return c.pair, nil
}

// refresh reads the files if they have changed.
func (c *certificate) refresh() error {
	c.checked = time.Now()
	var at [2]time.Time
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		at[i] = info.ModTime()
	}
	if at == c.read {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile) // an error while only one is replaced
	if err != nil {
		return err
	}
	c.pair, c.read = &pair, at
	return nil
}
