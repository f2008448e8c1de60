package database

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/productkit-go/productkit/examples/internal/environ"
	"github.com/productkit-go/productkit/pool"
)

// Config says which database it is.
type Config struct {
	Pool pool.Config // of a MySQL or MariaDB server
	File string      // of SQLite, and then Pool is not set
}

// FromURL reads what DATABASE_URL may hold, and the pool's settings from POOL_PRESET and POOL_…. An
// empty url means the file products.db in DATA_DIR, which is made if it is not there. An error has a
// line for each variable: name, fault, remedy; it never holds a password.
func FromURL(url string, vars environ.Vars) (c Config, err error) {
	switch {
	case url == "":
		c.File, err = dataFile(vars.Get)
		return c, err
	case strings.HasPrefix(url, "sqlite"), strings.HasPrefix(url, "file:"):
		c.File, err = sqliteFile(url)
		return c, err
	}
	if err := checkDSN(url); err != nil {
		return c, err
	}
	c.Pool, err = poolFrom(vars)
	c.Pool.DSN = together(url)
	return c, err
}

// together has the connections take several statements with one round trip, unless the url says whether they
// do. Package sqlstore sends a batch of writes that way; the examples build no statements of their own.
func together(url string) string {
	parameters := url
	if !strings.Contains(url, "://") {
		parameters = url[strings.LastIndexByte(url, '/'):] // before it may be a password
	}
	_, parameters, has := strings.Cut(parameters, "?")
	switch {
	case strings.Contains(parameters, "multiStatements="):
		return url
	case has && parameters != "":
		return url + "&multiStatements=true"
	case has:
		return url + "multiStatements=true"
	}
	return url + "?multiStatements=true"
}

// poolFrom reads a preset and what replaces its settings. Every one of [pool.Config] that has a value
// to write has a variable: MaxConns is POOL_MAX_CONNS.
func poolFrom(vars environ.Vars) (c pool.Config, err error) {
	switch preset := vars.Get("POOL_PRESET"); preset {
	case "":
	case "aiomysql":
		c = pool.PresetAIOMySQL()
	case "sqlalchemy":
		c = pool.PresetSQLAlchemy()
	default:
		return c, fmt.Errorf("POOL_PRESET is %q, which is unknown; set it to aiomysql or sqlalchemy, or unset it for this pool's own defaults", preset)
	}
	for _, name := range []string{"POOL_DSN", "POOL_CONNECTOR", "POOL_ON_CONNECT", "POOL_WRAP", "POOL_LOGGER"} {
		if vars.Get(name) != "" {
			return c, fmt.Errorf("%s is no setting; unset it, and name the database in DATABASE_URL", name)
		}
	}
	if err := vars.Read(&c, "POOL_"); err != nil {
		return c, err
	}
	check := c
	check.DSN = "user@/database" // it has been checked
	if err := check.Validate(); err != nil {
		return c, fmt.Errorf("%s", strings.ReplaceAll(err.Error(), "pool: ", "POOL_…: "))
	}
	return c, nil
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
