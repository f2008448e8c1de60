package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/productkit-go/productkit/pool"
)

// config is what the environment says.
type config struct {
	address string // host:port to listen on

	// Exactly one of the two is set.
	dsn  string // of a MySQL or MariaDB server
	file string // of SQLite

	startWait time.Duration // for the database
	drainWait time.Duration // between readiness turning red and refusing connections
}

// loadConfig reads the variables. An empty one counts as unset. An error is one line: name,
// fault, remedy; it never holds a password.
func loadConfig(getenv func(string) string) (config, error) {
	c := config{startWait: 30 * time.Second, drainWait: time.Second}
	host, port := or(getenv("HOST"), "127.0.0.1"), or(getenv("PORT"), "8001")
	if !validHost(host) {
		return c, fmt.Errorf("HOST is %q, which is neither an IP address nor a host name; set it like 0.0.0.0, or unset it for 127.0.0.1", host)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return c, fmt.Errorf("PORT is %q, which is no number from 0 to 65535; set it like 8080, or unset it for 8001", port)
	}
	c.address = net.JoinHostPort(host, port)

	var err error
	switch url := getenv("DATABASE_URL"); {
	case url == "":
		c.file, err = dataFile(getenv)
	case strings.HasPrefix(url, "sqlite"), strings.HasPrefix(url, "file:"):
		c.file, err = sqliteFile(url)
	default:
		c.dsn = url
		err = checkDSN(url)
	}
	return c, err
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$`)

func validHost(s string) bool {
	return net.ParseIP(s) != nil || hostName.MatchString(s) && !strings.Contains(s, "..") && strings.Trim(s, "0123456789.") != ""
}

// sqliteFile reads sqlite:///relative.db, sqlite:////absolute.db, as SQLAlchemy writes them, and
// file:/absolute.db.
func sqliteFile(url string) (string, error) {
	scheme, path, ok := strings.Cut(url, ":///")
	switch {
	case strings.HasPrefix(url, "file:") && !strings.HasPrefix(url, "file://"):
		path, ok = strings.TrimPrefix(url, "file:"), true
	case scheme == "file":
		path = "/" + path
	case scheme != "sqlite" && !strings.HasPrefix(scheme, "sqlite+"):
		ok = false
	}
	if !ok || path == "" || path == "/" || strings.ContainsAny(path, "?#") || strings.HasPrefix(path, ":memory:") {
		return "", fmt.Errorf("DATABASE_URL names no file for SQLite; write sqlite:///products.db, or sqlite:////var/lib/products.db for an absolute path")
	}
	file, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("DATABASE_URL names the file %q, which cannot be resolved: %v; write an absolute path", path, err)
	}
	if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
		return "", fmt.Errorf("DATABASE_URL names a file in %q, which is no folder; make it first", filepath.Dir(file))
	}
	return file, nil
}

func checkDSN(dsn string) error {
	d, err := pool.ParseDSN(dsn)
	switch {
	case err != nil:
		return fmt.Errorf("%s", strings.Replace(err.Error(), "pool: DSN", "DATABASE_URL", 1))
	case strings.HasSuffix(d.String(), "/"):
		return fmt.Errorf("DATABASE_URL names no database; append one, such as mysql://user:password@host:3306/shop")
	}
	return nil
}

// dataFile is products.db in DATA_DIR, which is made if it is not there.
func dataFile(getenv func(string) string) (string, error) {
	dir := getenv("DATA_DIR")
	if dir == "" {
		base := userData(getenv)
		if base == "" {
			return "", fmt.Errorf("DATA_DIR is not set, and there is no home directory to keep data in; set it to a folder")
		}
		dir = filepath.Join(base, "productkit")
	}
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return "", fmt.Errorf("DATA_DIR is %q, where no folder can be made: %v; set it to a folder that can be written to", dir, err)
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return "", fmt.Errorf("DATA_DIR is %q, which cannot be written to: %v; set it to a folder that can", dir, err)
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	return filepath.Join(dir, "products.db"), nil
}

// userData is where a user's programs keep their data: the XDG Base Directory Specification's
// $XDG_DATA_HOME, and its like on macOS and Windows. It is empty if there is no home.
func userData(getenv func(string) string) string {
	if dir := getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) { // the specification ignores others
		return dir
	}
	if runtime.GOOS == "windows" {
		return getenv("LocalAppData")
	}
	home := getenv("HOME")
	switch {
	case home == "":
		return ""
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Application Support")
	}
	return filepath.Join(home, ".local", "share")
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
