package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/joho/godotenv"

	"github.com/productkit-go/productkit/examples/internal/database"
	"github.com/productkit-go/productkit/examples/internal/environ"
)

// config is what the environment says. The README has a table of the variables.
type config struct {
	Mode        string        `env:"MODE"`
	UseGunicorn bool          `env:"USE_GUNICORN"`
	Host        string        `env:"HOST" envDefault:"127.0.0.1"`
	Port        uint16        `env:"PORT" envDefault:"8001"`
	DatabaseURL string        `env:"DATABASE_URL"`
	Auth        string        `env:"AUTH"`
	APIKeys     string        `env:"API_KEYS"`
	APIKeysFile string        `env:"API_KEYS_FILE"`
	TLSCertFile string        `env:"TLS_CERT_FILE"`
	TLSKeyFile  string        `env:"TLS_KEY_FILE"`
	CORSOrigins []string      `env:"CORS_ORIGINS"`
	MaxReads    int           `env:"MAX_READS"`
	MaxWrites   int           `env:"MAX_WRITES"`
	Workers     int           `env:"WORKERS" envDefault:"1"`
	MaxRequests int           `env:"MAX_REQUESTS"`
	MaxJitter   int           `env:"MAX_REQUESTS_JITTER"`
	LogLevel    slog.Level    `env:"LOG_LEVEL"`
	DrainWait   time.Duration `env:"DRAIN_WAIT" envDefault:"1s"`
	MetricsAddr string        `env:"METRICS_ADDR"`

	production bool
	database   database.Config
}

// loadConfig reads the variables. An error has a line for each that is wrong: name, fault, remedy; it
// never holds a password or a key.
func loadConfig(vars environ.Vars) (config, error) {
	var c config
	if err := vars.Read(&c, ""); err != nil {
		return c, err
	}
	var err error
	c.database, err = database.FromURL(c.DatabaseURL, vars)
	return c, errors.Join(c.mode(), c.checkAddress(), c.checkMetrics(), c.checkKeys(), c.checkTLS(), err, c.share())
}

// address is where to listen.
func (c *config) address() string { return net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))) }

func (c *config) mode() error {
	switch c.Mode {
	case "":
		c.production = c.UseGunicorn // as the Python service's start script took it
	case "development", "production":
		c.production = c.Mode == "production"
	default:
		return fmt.Errorf("MODE is %q, which is neither development nor production; set it to one of them, or unset it for development", c.Mode)
	}
	if c.UseGunicorn && !c.production {
		return errors.New("USE_GUNICORN is true, which means MODE=production, and MODE is development; unset one of them")
	}
	return nil
}

func (c *config) checkAddress() error {
	if !validHost(c.Host) {
		return fmt.Errorf("HOST is %q, which is neither an IP address nor a host name; set it like 0.0.0.0, or unset it for 127.0.0.1", c.Host)
	}
	if c.DrainWait < 0 {
		return fmt.Errorf("DRAIN_WAIT is %v; set it to 0s or more", c.DrainWait)
	}
	return nil
}

func (c *config) checkMetrics() error {
	if c.MetricsAddr == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(c.MetricsAddr)
	n, notNumber := strconv.ParseUint(port, 10, 16)
	if err != nil || notNumber != nil || host != "" && !validHost(host) || int(n)+c.Workers-1 > math.MaxUint16 {
		return fmt.Errorf("METRICS_ADDR is %q, which is no host and port, or leaves no port for each worker; set it like 127.0.0.1:9464, or unset it", c.MetricsAddr)
	}
	return nil
}

// metricsAddress is where the worker in a place, from 0, shows its metrics: its port is the place's. Port 0 is any.
func (c *config) metricsAddress(place int) string {
	host, port, _ := net.SplitHostPort(c.MetricsAddr)
	if n, _ := strconv.Atoi(port); n > 0 {
		port = strconv.Itoa(n + place)
	}
	return net.JoinHostPort(host, port)
}

func (c *config) checkKeys() error {
	switch {
	case c.Auth != "" && c.Auth != "off" && c.Auth != "on":
		return fmt.Errorf("AUTH is %q; set it to on or off, or unset it", c.Auth)
	case c.APIKeys != "" && c.APIKeysFile != "":
		return errors.New("API_KEYS and API_KEYS_FILE are both set; keep the file and unset API_KEYS")
	case c.Auth == "off" && c.hasKeys():
		return errors.New("AUTH is off and there are keys; unset AUTH, or the keys")
	case !c.hasKeys() && (c.Auth == "on" || c.production && c.Auth == ""):
		return errors.New("API_KEYS and API_KEYS_FILE are not set, without which everybody could change everything; set one of them, or AUTH=off where something before this server knows who asks")
	}
	return nil
}

func (c *config) hasKeys() bool { return c.APIKeys != "" || c.APIKeysFile != "" }

func (c *config) checkTLS() error {
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		return errors.New("TLS_CERT_FILE and TLS_KEY_FILE belong together and one of them is not set; set both, or none for plain HTTP")
	}
	return nil
}

// supervised reports whether workers serve instead of this process.
func (c *config) supervised() bool { return c.Workers > 1 || c.MaxRequests > 0 }

// share checks how many processes there are and divides the pool's connections among them.
func (c *config) share() error {
	switch {
	case c.Workers < 1:
		return fmt.Errorf("WORKERS is %d; set it to 1 or more", c.Workers)
	case c.MaxRequests < 0 || c.MaxJitter < 0:
		return errors.New("MAX_REQUESTS and MAX_REQUESTS_JITTER must not be negative; unset them for a process that is never replaced")
	case c.supervised() && !canSupervise:
		return errors.New("WORKERS and MAX_REQUESTS hand an open port from process to process, which this system cannot; unset them")
	case c.Workers == 1 || c.database.File != "" || c.database.Pool.DSN == "":
		return nil
	}
	p := c.database.Pool.WithDefaults()
	if p.MaxConns < c.Workers {
		return fmt.Errorf("WORKERS is %d and POOL_MAX_CONNS is %d, and each worker needs a connection; set one of them otherwise", c.Workers, p.MaxConns)
	}
	c.database.Pool.MaxConns = p.MaxConns / c.Workers
	c.database.Pool.MinConns = min(p.MinConns, c.database.Pool.MaxConns)
	if c.database.Pool.MaxOverflow = p.MaxOverflow / c.Workers; c.database.Pool.MaxOverflow == 0 {
		c.database.Pool.MaxOverflow = -1
	}
	return nil
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$`)

func validHost(s string) bool {
	return net.ParseIP(s) != nil || hostName.MatchString(s) && !strings.Contains(s, "..") && strings.Trim(s, "0123456789.") != ""
}

// variables are the environment's and, where nothing says production, those of the file .env, which
// never replace one of the environment's.
func variables() (environ.Vars, error) {
	vars := environ.Of(os.Environ())
	if vars.Get("MODE") == "production" || vars.Get("USE_GUNICORN") != "" {
		return vars, nil
	}
	file, err := godotenv.Read(".env")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return vars, nil
	case err != nil:
		return nil, fmt.Errorf(".env cannot be read: %w; correct it, or remove it", err)
	}
	for name, value := range file {
		if vars.Get(name) == "" && value != "" {
			vars[name] = value
		}
	}
	return vars, nil
}
