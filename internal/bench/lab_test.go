package bench

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/internal/mysqltest"
)

// lab is what the measures of one run share. Each of its parts is made when a measure first asks for it.
type lab struct {
	*testing.T
	shipped        func() *mysqltest.Server // for full measures
	byHand, server func() (program string)
	catalogue      func() catalogue
	near, far      func() pair // on MySQL: beside it, and 1 ms away
	fresh          func() pair // near, and for measures of memory alone
	embedded       func() pair // on SQLite
	big, little    func() bulk // on MySQL, -bulk products and a hundredth of them
	inserted       func() (rate float64)
}

func newLab(t *testing.T) *lab {
	l := &lab{T: t}
	l.byHand = sync.OnceValue(func() string { return l.build("./byhand") })
	l.server = sync.OnceValue(func() string { return l.build("../../examples/server") })
	// As MySQL is shipped: each commit is on the disk, and in the binary log that replicas and backups read.
	// The tests' servers forgo both, which is fair to nobody who has few commits.
	l.shipped = sync.OnceValue(func() *mysqltest.Server {
		return mysqltest.Start(t, &mysqltest.Options{Flavor: mysqltest.MySQL, Args: []string{"--innodb-flush-log-at-trx-commit=1", "--log-bin=binlog"}})
	})
	l.catalogue = sync.OnceValue(func() catalogue { return l.seed(*products) })
	l.near = sync.OnceValue(func() pair { return l.withPages(l.onMySQL("near", l.catalogue().db.Addr())) })
	l.far = sync.OnceValue(func() pair { return l.onMySQL("far", l.delayed(l.catalogue().db.Addr(), time.Millisecond)) })
	l.fresh = sync.OnceValue(func() pair { return l.onMySQL("fresh", l.catalogue().db.Addr()) })
	l.embedded = sync.OnceValue(func() pair { return l.withPages(l.onSQLite()) })
	l.big = sync.OnceValue(func() bulk { return l.imported("big", *bulkRows) })
	l.little = sync.OnceValue(func() bulk { return l.imported("little", *bulkRows/100) })
	l.inserted = sync.OnceValue(l.insertBare)
	return l
}

// newDatabase returns one for the time of the test.
func (l *lab) newDatabase() *mysqltest.Database {
	if *full {
		return l.shipped().NewDatabase(l.T)
	}
	return mysqltest.NewOn(l.T, mysqltest.MySQL)
}

// pair is the two servers that are held against each other.
type pair struct{ byHand, ours contender }

// contender is a server under load.
type contender struct {
	name        string
	url         string
	pid         int
	ids         string              // a file of its products' IDs; empty where no measure asks for one
	pages       string              // a file of queries for pages of a list; likewise
	first       string              // the first of them
	db          *mysqltest.Database // nil on SQLite
	user        string              // of its connections there
	connections int                 // that it may have
}

// onMySQL launches both on the catalogue, with MySQL at an address. place tells their users from others'.
func (l *lab) onMySQL(place, address string) pair {
	c := l.catalogue()
	dsn := func(user string) string {
		config := l.grant(c.db, user)
		config.Addr = address
		return config.FormatDSN()
	}
	p := pair{
		byHand: contender{name: "byhand", ids: c.ids, first: c.first, db: c.db, user: userOf(c.db, place+"hand"), connections: 5},
		ours:   contender{name: "ours", ids: c.ids, first: c.first, db: c.db, user: userOf(c.db, place+"ours"), connections: 6}, // one for its health
	}
	l.launch(&p.byHand, l.byHand(), "LISTEN=%[1]s:%[2]s", "DSN="+dsn(p.byHand.user))
	l.launch(&p.ours, l.server(), "PORT=%[2]s", "POOL_MAX_OVERFLOW=-1", "DATABASE_URL="+dsn(p.ours.user))
	l.showsBoth(p)
	return p
}

// onSQLite launches both, each on a file of its own. They use one driver with the same settings.
func (l *lab) onSQLite() pair {
	dir := l.TempDir()
	url := func(file string) string {
		return "file:" + filepath.Join(dir, file) + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_txlock=immediate"
	}
	ours, err := sql.Open("sqlite", url("ours.db"))
	require.NoError(l, err)
	ids := l.create(ours, *products)
	require.NoError(l, ours.Close())
	byHand, err := sql.Open("sqlite", url("byhand.db"))
	require.NoError(l, err)
	byHand.SetMaxOpenConns(1) // which the other file is attached to
	for _, statement := range append([]string{"ATTACH '" + filepath.Join(dir, "ours.db") + "' AS ours"}, copyByHand...) {
		_, err := byHand.ExecContext(l.Context(), statement)
		require.NoError(l, err)
	}
	require.NoError(l, byHand.Close())
	p := pair{byHand: contender{name: "byhand", ids: l.listed(ids), first: ids[0]}}
	p.ours = contender{name: "ours", ids: p.byHand.ids, first: ids[0]}
	l.launch(&p.byHand, l.byHand(), "LISTEN=%[1]s:%[2]s", "DRIVER=sqlite", "DSN="+url("byhand.db"))
	l.launch(&p.ours, l.server(), "PORT=%[2]s", "DATABASE_URL=file:"+filepath.Join(dir, "ours.db"))
	l.showsBoth(p)
	return p
}

func (l *lab) build(dir string) (program string) {
	program = filepath.Join(l.TempDir(), "program")
	build := exec.CommandContext(l.Context(), "go", "build", "-o", program, ".")
	build.Dir = dir
	out, err := build.CombinedOutput()
	require.NoError(l, err, "%s", out)
	return program
}

// launch runs a contender's program until the test's end. It returns when that answers.
func (l *lab) launch(c *contender, program, listen string, env ...string) {
	const host = "127.0.0.1"
	port := l.freePort(host)
	cmd := exec.Command(program)
	cmd.Env = append([]string{"HOME=" + l.TempDir(), fmt.Sprintf(listen, host, port)}, env...)
	require.NoError(l, cmd.Start())
	l.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	c.url, c.pid = "http://"+net.JoinHostPort(host, port), cmd.Process.Pid
	require.Eventually(l, func() bool {
		res, err := http.Get(c.url + "/v1/products/" + uuid.Nil.String())
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusNotFound
	}, time.Minute, 50*time.Millisecond, c.name)
}

func (l *lab) freePort(host string) string {
	listener, err := net.Listen("tcp", host+":0")
	require.NoError(l, err)
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(l, err)
	return port
}

// showsBoth holds what both answer against the content that it must have, now and at the test's end.
func (l *lab) showsBoth(p pair) {
	shows := func() {
		for _, c := range []contender{p.byHand, p.ours} {
			status, _, body := l.ask(c, "/v1/products/"+c.first, nil)
			require.Equal(l, http.StatusOK, status)
			for _, part := range []string{`"id":"` + c.first + `"`, `"name":"A lamp for the table, number 0"`, `"price":{"amount":100,"currency":"EUR"}`, `"category":"apparel/0"`, `"tags":["men","new"]`} {
				require.Contains(l, body, part, c.name)
			}
		}
	}
	shows()
	l.Cleanup(shows)
}

// showsMatch: the tag that measures send is the product's, and its answer is short.
func (l *lab) showsMatch(c contender) {
	path, tag := "/v1/products/"+c.first, fmt.Sprintf("%q", c.first+".1")
	_, header, _ := l.ask(c, path, nil)
	require.Equal(l, tag, header.Get("ETag"))
	status, _, body := l.ask(c, path, http.Header{"If-None-Match": {tag}})
	require.Equal(l, http.StatusNotModified, status)
	require.Empty(l, body)
}

// ask sends a GET and returns its answer. It works in cleanups, too, where the test's context has ended.
func (l *lab) ask(c contender, path string, header http.Header) (int, http.Header, string) {
	l.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.Context()), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	require.NoError(l, err)
	for name, values := range header {
		r.Header[name] = values
	}
	res, err := http.DefaultClient.Do(r)
	require.NoError(l, err)
	defer func() { _ = res.Body.Close() }()
	var body strings.Builder
	_, err = io.Copy(&body, res.Body)
	require.NoError(l, err)
	return res.StatusCode, res.Header, body.String()
}
