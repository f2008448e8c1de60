package pool

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// readTimeout is how long a connection of a DSN waits for the next bytes of an
// answer. It is a backstop for calls without a deadline on a server that fell
// silent, no limit for queries: the driver's readTimeout also kills a statement
// that is merely long, so it must be above the longest legitimate one (a
// migration's ALTER TABLE). A dead peer is found by TCP keepalive in about 45 s,
// and callers bound their queries by context. "readTimeout=0s" in the DSN turns
// it off.
const readTimeout = 30 * time.Minute

// writeTimeout bounds each write of at most 16 MB to the server.
const writeTimeout = 30 * time.Second

// DSN is a parsed data source name: the driver's configuration and the pool
// sizes that a URL of the Python service may carry.
type DSN struct {
	config *mysql.Config
	secret string // the part of the text that may hold the password

	minConns, maxConns int
	maxLifetime        time.Duration
}

// ParseDSN reads a DSN of go-sql-driver/mysql or a URL with the scheme mysql,
// mariadb, mysql+aiomysql, mysql+pymysql or mysql+asyncmy. In a URL, special
// characters of user, password and database are percent-encoded.
//
// Both take the driver's own parameters; any further one is a system variable,
// set on each connection. A URL also takes what the Python drivers do:
//
//	charset=utf8mb4                  and use_unicode, ignored
//	ssl, ssl_disabled, ssl_mode      true, false; DISABLED … VERIFY_IDENTITY
//	ssl_ca, ssl_cert, ssl_key        PEM files; a CA alone switches TLS on
//	ssl_verify_cert, ssl_check_hostname, ssl_verify_identity
//	unix_socket, connect_timeout, read_timeout, write_timeout (seconds)
//	autocommit=true, local_infile=false
//	min_size, max_size, pool_size, pool_recycle: MinConns, MaxConns and
//	                                 MaxLifetime where Config leaves them zero
//
// What the DSN leaves open is set as this package needs it: parseTime, times in
// UTC on both sides (loc, time_zone), utf8mb4, interpolateParams (one round trip
// for a query with arguments instead of three; off with character sets in which
// quoting is unsafe), readTimeout 30 min, writeTimeout 30 s. clientFoundRows
// stays as given.
//
// Errors name the fault and the remedy and never contain the password.
func ParseDSN(dsn string) (*DSN, error) {
	if scheme, rest, ok := strings.Cut(dsn, "://"); ok && !strings.ContainsAny(scheme, ":@/()") {
		switch scheme {
		case "mysql", "mariadb", "mysql+aiomysql", "mysql+pymysql", "mysql+asyncmy":
			return parseURL(rest)
		}
		return nil, fmt.Errorf("pool: DSN has the scheme %q; use mysql://, mysql+aiomysql://, mysql+pymysql:// or the driver's form user:pass@tcp(host:3306)/db", scheme)
	}
	return parseDriverDSN(dsn)
}

// String names the database without the password: user@net(addr)/name.
func (d *DSN) String() string {
	return fmt.Sprintf("%s@%s(%s)/%s", d.config.User, d.config.Net, d.config.Addr, d.config.DBName)
}

// applySizes fills what c leaves open.
func (d *DSN) applySizes(c Config) Config {
	if c.MinConns == 0 {
		c.MinConns = d.minConns
	}
	if c.MaxConns == 0 {
		c.MaxConns = d.maxConns
	}
	if c.MaxLifetime == 0 {
		c.MaxLifetime = d.maxLifetime
	}
	return c
}

func parseDriverDSN(dsn string) (*DSN, error) {
	d := &DSN{secret: dsn}
	if i := strings.LastIndexByte(dsn, '@'); i >= 0 {
		d.secret = dsn[:i]
	}
	params := ""
	if i := strings.LastIndexByte(dsn, '/'); i < 0 {
		return nil, errors.New("pool: DSN has no '/' before the database name; write user:pass@tcp(host:3306)/db or mysql://user:pass@host:3306/db")
	} else if j := strings.IndexByte(dsn[i:], '?'); j >= 0 {
		params = dsn[i+j+1:]
	}
	given, err := paramNames(params)
	if err != nil {
		return nil, err
	}
	d.config, err = mysql.ParseDSN(dsn)
	if err != nil {
		return nil, d.fault(err)
	}
	return d, d.setUp(given)
}

// variable is what may follow SET in the driver's parameters.
var variable = regexp.MustCompile(`^[A-Za-z_@][A-Za-z0-9_.@]*$`)

// paramNames returns the parameters by name, and catches those that the driver
// would answer with a panic or put into a SET statement as they are.
func paramNames(params string) (map[string]string, error) {
	given := map[string]string{}
	for param := range strings.SplitSeq(params, "&") {
		name, value, ok := strings.Cut(param, "=")
		switch {
		case name == "":
			continue
		case name == "strict":
			return nil, errors.New("pool: DSN parameter strict no longer exists; set sql_mode instead")
		case !variable.MatchString(name):
			return nil, errors.New("pool: DSN has a parameter whose name is no name of a system variable; check the text behind '?'")
		case !ok:
			return nil, fmt.Errorf("pool: DSN parameter %s has no value; write %s=…", name, name)
		}
		given[name] = value
	}
	return given, nil
}

// fault words an error of the driver. Its detail is dropped if it could repeat
// any part of the text in which the password stands.
func (d *DSN) fault(err error) error {
	const remedy = "; write user:pass@tcp(host:3306)/db?param=value with escaped values, or mysql://user:pass@host:3306/db"
	detail := err.Error()
	for _, part := range strings.FieldsFunc(d.secret, func(r rune) bool { return strings.ContainsRune(":/@?()&=", r) }) {
		if strings.Contains(detail, part) {
			return errors.New("pool: DSN cannot be read" + remedy)
		}
	}
	return errors.New("pool: DSN cannot be read: " + strings.TrimPrefix(detail, "invalid DSN: ") + remedy)
}

// setUp configures the driver where the DSN left it open.
func (d *DSN) setUp(given map[string]string) error {
	c := d.config
	open := func(name string) bool { _, ok := given[name]; return !ok }
	c.ParseTime = c.ParseTime || open("parseTime")
	if open("readTimeout") {
		c.ReadTimeout = readTimeout
	}
	if open("writeTimeout") {
		c.WriteTimeout = writeTimeout
	}
	if open("time_zone") && c.Loc == time.UTC {
		if c.Params == nil {
			c.Params = map[string]string{}
		}
		c.Params["time_zone"] = "'+00:00'"
	}
	if open("charset") && open("collation") {
		if err := c.Apply(mysql.Charset("utf8mb4", "")); err != nil {
			return d.fault(err)
		}
	}
	if open("interpolateParams") {
		c.InterpolateParams = quotesSafely(given["charset"]) && quotesSafely(c.Collation)
	}
	if _, err := mysql.NewConnector(c); err != nil {
		return d.fault(err)
	}
	return nil
}

// quotesSafely tells whether a quote put into a statement stays a quote: in
// character sets such as gbk the byte before may swallow it. The argument is a
// list of character sets or a collation; "" is the default, utf8mb4.
func quotesSafely(charsets string) bool {
	for name := range strings.SplitSeq(charsets, ",") {
		if name != "" && !strings.HasPrefix(name, "utf8") {
			return false
		}
	}
	return true
}

func parseURL(rest string) (*DSN, error) {
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	if strings.Contains(path, "@") || strings.Contains(query, "@") && !strings.Contains(authority, "@") || strings.Contains(authority, "#") {
		return nil, errors.New("pool: DSN cannot be read: percent-encode '/', '?', '#' and '@' in user and password (%2F, %3F, %23, %40)")
	}
	d := &DSN{config: mysql.NewConfig()}
	c := d.config
	host := authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		d.secret, host = authority[:i], authority[i+1:]
		user, password, _ := strings.Cut(d.secret, ":")
		var userErr, passErr error
		c.User, userErr = url.PathUnescape(user)
		c.Passwd, passErr = url.PathUnescape(password)
		if userErr != nil || passErr != nil {
			return nil, errors.New("pool: DSN cannot be read: user or password holds a '%' that starts no percent-encoding; write it %25")
		}
	}
	name, err := url.PathUnescape(path)
	if err != nil || strings.Contains(name, "/") {
		return nil, errors.New("pool: DSN cannot be read: the database name after '/' is not well formed; percent-encode it")
	}
	c.DBName = name
	c.Net = "tcp"
	if host != "" {
		if c.Addr, err = hostPort(host); err != nil {
			return nil, err
		}
	}
	driverParams, tls, err := d.pythonParams(query)
	if err != nil {
		return nil, err
	}
	given, err := paramNames(driverParams)
	if err != nil {
		return nil, err
	}
	// The driver reads its parameters itself, from a DSN without the secret.
	parsed, err := mysql.ParseDSN("/?" + driverParams)
	if err != nil {
		return nil, fmt.Errorf("pool: DSN cannot be read: %s; check the parameters behind '?'", strings.TrimPrefix(err.Error(), "invalid DSN: "))
	}
	parsed.User, parsed.Passwd, parsed.Net, parsed.Addr, parsed.DBName = c.User, c.Passwd, c.Net, c.Addr, c.DBName
	d.config = parsed
	if err := tls.apply(parsed); err != nil {
		return nil, err
	}
	return d, d.setUp(given)
}

func hostPort(host string) (string, error) {
	h, port := host, "3306"
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		h, port = host[:i], host[i+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", errors.New("pool: DSN cannot be read: the port after the host is not a number from 1 to 65535; if the password holds '@' or '/', percent-encode it")
		}
	}
	h, err := url.PathUnescape(strings.TrimSuffix(strings.TrimPrefix(h, "["), "]"))
	if err != nil || strings.ContainsAny(h, "()@ ") {
		return "", errors.New("pool: DSN cannot be read: the host is not well formed")
	}
	if h == "" {
		h = "127.0.0.1"
	}
	return net.JoinHostPort(h, port), nil
}

// pythonParams takes out what the Python drivers know and returns the rest, for
// the driver.
func (d *DSN) pythonParams(query string) (rest string, tls tlsOptions, err error) {
	var keep []string
	bad := func(name, value, want string) error {
		return fmt.Errorf("pool: DSN parameter %s is %q; it must be %s", name, value, want)
	}
	for param := range strings.SplitSeq(query, "&") {
		name, raw, _ := strings.Cut(param, "=")
		value, err := url.QueryUnescape(raw)
		if err != nil {
			return "", tls, fmt.Errorf("pool: DSN parameter %q is not well formed; percent-encode its value", name)
		}
		seconds := func(driverName string) error {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil || n < 0 || n > 1e9 {
				return bad(name, value, "a number of seconds")
			}
			keep = append(keep, driverName+"="+time.Duration(n*float64(time.Second)).String())
			return nil
		}
		size := func(into *int) error {
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 {
				return bad(name, value, "a number of connections")
			}
			if *into = n; n == 0 {
				*into = -1
			}
			return nil
		}
		switch name {
		case "use_unicode", "":
		case "charset":
			keep = append(keep, "charset="+value)
		case "unix_socket":
			d.config.Net, d.config.Addr = "unix", value
		case "connect_timeout":
			err = seconds("timeout")
		case "read_timeout":
			err = seconds("readTimeout")
		case "write_timeout":
			err = seconds("writeTimeout")
		case "autocommit":
			if on, e := strconv.ParseBool(value); e != nil || !on {
				err = bad(name, value, "true: use transactions for what belongs together")
			}
		case "local_infile":
			if on, e := strconv.ParseBool(value); e != nil || on {
				err = bad(name, value, "false: register files with the driver instead")
			}
		case "min_size", "minsize":
			err = size(&d.minConns)
		case "max_size", "maxsize", "pool_size":
			err = size(&d.maxConns)
		case "pool_recycle":
			n, e := strconv.Atoi(value)
			if e != nil || n > 1e9 {
				err = bad(name, value, "a number of seconds, or -1 for never")
			}
			d.maxLifetime = max(time.Duration(n)*time.Second, -1)
		default:
			var taken bool
			if taken, err = tls.set(name, value); err == nil && !taken {
				keep = append(keep, param)
			}
		}
		if err != nil {
			return "", tls, err
		}
	}
	return strings.Join(slices.Clip(keep), "&"), tls, nil
}
