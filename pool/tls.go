package pool

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// tlsOptions are the ssl parameters of the Python drivers.
type tlsOptions struct {
	mode          string // DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY; "" if none was given
	ca, cert, key string
}

// set takes one parameter; taken is false if it is not about TLS.
func (t *tlsOptions) set(name, value string) (taken bool, err error) {
	flag := func(on, off string) error {
		b, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("pool: DSN parameter %s is %q; it must be true or false", name, value)
		}
		if b {
			t.mode = on
		} else {
			t.mode = off
		}
		return nil
	}
	switch name {
	case "ssl":
		return true, flag("VERIFY_IDENTITY", "DISABLED")
	case "ssl_disabled":
		return true, flag("DISABLED", t.mode)
	case "ssl_verify_cert":
		return true, flag("VERIFY_CA", "REQUIRED")
	case "ssl_verify_identity", "ssl_check_hostname":
		return true, flag("VERIFY_IDENTITY", "VERIFY_CA")
	case "ssl_mode", "ssl-mode":
		t.mode = strings.ToUpper(value)
		switch t.mode {
		case "DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY":
			return true, nil
		}
		return true, fmt.Errorf("pool: DSN parameter %s is %q; it must be DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY", name, value)
	case "ssl_ca":
		t.ca = value
	case "ssl_cert":
		t.cert = value
	case "ssl_key":
		t.key = value
	default:
		return false, nil
	}
	return true, nil
}

// apply configures the driver. Without any ssl parameter it changes nothing.
func (t *tlsOptions) apply(c *mysql.Config) error {
	mode := t.mode
	if mode == "" && t.ca+t.cert+t.key != "" {
		mode = "VERIFY_IDENTITY"
	}
	switch mode {
	case "":
		return nil
	case "DISABLED":
		c.TLS, c.TLSConfig = nil, "false"
		return nil
	}
	if c.Net == "unix" && mode != "PREFERRED" {
		return errors.New("pool: DSN asks for TLS on a unix socket; leave out the ssl parameters, the socket does not leave the machine")
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	conf.ServerName, _, _ = net.SplitHostPort(c.Addr)
	if t.ca != "" {
		pem, err := os.ReadFile(t.ca)
		if err != nil {
			return fmt.Errorf("pool: DSN parameter ssl_ca: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("pool: DSN parameter ssl_ca: %s holds no PEM certificate", t.ca)
		}
	}
	if t.cert != "" || t.key != "" {
		pair, err := tls.LoadX509KeyPair(t.cert, t.key)
		if err != nil {
			return fmt.Errorf("pool: DSN parameters ssl_cert and ssl_key: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	switch mode {
	case "PREFERRED":
		conf.InsecureSkipVerify = true
		c.AllowFallbackToPlaintext = true
	case "REQUIRED":
		conf.InsecureSkipVerify = true
	case "VERIFY_CA":
		// The chain is verified, the host name is not.
		conf.InsecureSkipVerify = true
		conf.VerifyConnection = func(state tls.ConnectionState) error {
			opts := x509.VerifyOptions{Roots: conf.RootCAs, Intermediates: x509.NewCertPool()}
			for _, cert := range state.PeerCertificates[1:] {
				opts.Intermediates.AddCert(cert)
			}
			_, err := state.PeerCertificates[0].Verify(opts)
			return err
		}
	}
	c.TLS = conf
	return nil
}
