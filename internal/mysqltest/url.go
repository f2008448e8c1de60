package mysqltest

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// parseURLs reads the value of TEST_DATABASE_URL. Errors never repeat the value, which may hold a password.
func parseURLs(value string) ([]*mysql.Config, error) {
	var configs []*mysql.Config
	for i, field := range strings.Fields(value) {
		config, err := parseURL(field)
		if err != nil {
			return nil, fmt.Errorf("TEST_DATABASE_URL, server %d: %w", i+1, err)
		}
		configs = append(configs, config)
	}
	return configs, nil
}

func parseURL(s string) (*mysql.Config, error) {
	if !strings.Contains(s, "://") {
		config, err := mysql.ParseDSN(s)
		if err != nil {
			return nil, errors.New(`not a DSN: want "user:password@tcp(host:port)/"`)
		}
		return config, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New(`not a URL: want "mysql://user:password@host:port/"`)
	}
	if u.Scheme != "mysql" && u.Scheme != "mariadb" {
		return nil, fmt.Errorf(`unknown scheme %q: want "mysql" or "mariadb"`, u.Scheme)
	}
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	password, _ := u.User.Password()
	dsn := mysql.NewConfig()
	dsn.User, dsn.Passwd = u.User.Username(), password
	dsn.Net, dsn.Addr = "tcp", net.JoinHostPort(u.Hostname(), port)
	dsn.DBName = strings.TrimPrefix(u.Path, "/")
	if u.RawQuery == "" {
		return dsn, nil
	}
	config, err := mysql.ParseDSN(dsn.FormatDSN() + "?" + u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("parameters %q: %w", u.RawQuery, err)
	}
	return config, nil
}
