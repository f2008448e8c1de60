package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/examples/internal/environ"
	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
)

// The tests are in package main because nothing can import it. They run the program itself.
func TestMain(m *testing.M) { goleak.VerifyTestMain(built{mysqltest.Main(m)}) }

// built removes the program after the tests.
type built struct{ goleak.TestingM }

func (b built) Run() int {
	defer func() { _ = os.RemoveAll(binDir) }()
	return b.TestingM.Run()
}

var binDir string

// program builds the server, once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "productkit-server-*")
	if err != nil {
		return "", err
	}
	binDir = dir
	path := filepath.Join(dir, "server")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	args := []string{"build", "-o", path}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race") // as the tests are
	}
	out, err := exec.Command("go", append(args, ".")...).CombinedOutput()
	if err != nil {
		return "", &exec.Error{Name: "go build: " + string(out), Err: err}
	}
	return path, nil
})

// process is a running server.
type process struct {
	url    string
	banner string
	cmd    *exec.Cmd
	stderr *buffer
	exited chan struct{}
}

// launching is how a server is run: by default what was built, where the tests are.
type launching struct {
	path string
	args []string
	dir  string
}

// launch runs the server with just these variables and a home of its own.
func launch(t *testing.T, env ...string) (*process, io.Reader) {
	t.Helper()
	return launching{}.launch(t, env...)
}

func (l launching) launch(t *testing.T, env ...string) (*process, io.Reader) {
	t.Helper()
	if l.path == "" {
		path, err := program()
		require.NoError(t, err)
		l.path = path
	}
	p := &process{cmd: exec.Command(l.path, l.args...), stderr: &buffer{}, exited: make(chan struct{})}
	p.cmd.Dir = l.dir
	p.cmd.Env = append([]string{"HOME=" + t.TempDir(), "PORT=0"}, env...)
	p.cmd.Stderr = p.stderr
	stdout, w, err := os.Pipe()
	require.NoError(t, err)
	p.cmd.Stdout = w
	require.NoError(t, p.cmd.Start())
	require.NoError(t, w.Close())
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
		_ = stdout.Close()
	})
	return p, stdout
}

var listensOn = regexp.MustCompile(`(?m)^Productkit listens on (https?://\S+)$`)

// start launches the server and waits until it says where it listens.
func start(t *testing.T, env ...string) *process {
	t.Helper()
	return launching{}.start(t, env...)
}

func (l launching) start(t *testing.T, env ...string) *process {
	t.Helper()
	p, stdout := l.launch(t, env...)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		p.banner += lines.Text() + "\n"
		if strings.Count(p.banner, "  curl") == 3 {
			p.url = listensOn.FindStringSubmatch(p.banner)[1]
			return p
		}
	}
	<-p.exited
	require.FailNow(t, "the server ended", "%s%s", p.banner, p.stderr)
	return nil
}

// exit waits for the server's end and returns its exit code.
func (p *process) exit(t *testing.T) int {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		require.FailNow(t, "the server does not end", "%s", p.stderr)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.Zero(t, p.exit(t), "%s", p.stderr)
	require.NotContains(t, p.stderr.String(), "DATA RACE")
}

// buffer is a bytes.Buffer that may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// key is one that a person would not make up.
const key = "3FXKZ2QJ7M5L4PWN6RTBVYADCE"

func TestWrongVariablesAreOneClearLine(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, c := range map[string]struct {
		env  []string
		says []string
	}{
		"port no number":    {[]string{"PORT=http"}, []string{"PORT", `"http"`, "unset it"}},
		"port too great":    {[]string{"PORT=65536"}, []string{"PORT", "0 to 65535"}},
		"port with sign":    {[]string{"PORT=+80"}, []string{"PORT"}},
		"host with port":    {[]string{"HOST=127.0.0.1:80"}, []string{"HOST", "unset it"}},
		"host no address":   {[]string{"HOST=1.2.3"}, []string{"HOST"}},
		"host of others":    {[]string{"HOST=192.0.2.1"}, []string{"HOST", "192.0.2.1", "address of this machine"}},
		"other database":    {[]string{"DATABASE_URL=postgres://u:s3cret@h/db"}, []string{"DATABASE_URL", `"postgres"`, "mysql://"}},
		"no database name":  {[]string{"DATABASE_URL=mysql://u:s3cret@h:3306"}, []string{"DATABASE_URL", "append one"}},
		"no port":           {[]string{"DATABASE_URL=mysql://u:s3cret@h:x/db"}, []string{"DATABASE_URL", "port"}},
		"@ in the password": {[]string{"DATABASE_URL=mysql+aiomysql://u:s3cret@/@h/db"}, []string{"DATABASE_URL", "percent-encode"}},
		"DSN without slash": {[]string{"DATABASE_URL=u:s3cret@tcp(h:3306)"}, []string{"DATABASE_URL", "'/'"}},
		"SQLite in memory":  {[]string{"DATABASE_URL=sqlite://"}, []string{"DATABASE_URL", "sqlite:///"}},
		"SQLite nowhere":    {[]string{"DATABASE_URL=sqlite:////nowhere/x.db"}, []string{"DATABASE_URL", "/nowhere"}},
		"data in a file":    {[]string{"DATA_DIR=" + file}, []string{"DATA_DIR", file}},
		"no home":           {[]string{"HOME="}, []string{"DATA_DIR", "home directory"}},
		"no such mode":      {[]string{"MODE=prod"}, []string{"MODE", `"prod"`, "production"}},
		"two modes":         {[]string{"MODE=development", "USE_GUNICORN=true"}, []string{"USE_GUNICORN", "unset one"}},
		"no truth value":    {[]string{"USE_GUNICORN=perhaps"}, []string{"USE_GUNICORN", `"perhaps"`, "true or false"}},
		"no keys":           {[]string{"MODE=production"}, []string{"API_KEYS", "AUTH=off"}},
		"keys and none":     {[]string{"AUTH=off", "API_KEYS=shop:write:" + key}, []string{"AUTH", "unset"}},
		"keys twice":        {[]string{"API_KEYS_FILE=x", "API_KEYS=shop:write:" + key}, []string{"API_KEYS_FILE", "unset API_KEYS"}},
		"no scope":          {[]string{"API_KEYS=shop:" + key}, []string{"API_KEYS: entry 1 (shop)", "read nor write"}},
		"a short key":       {[]string{"API_KEYS=shop:write:s3cret"}, []string{"API_KEYS: entry 1 (shop)", "-new-key"}},
		"one key for two":   {[]string{"API_KEYS=a:write:" + key + ",b:read:" + key}, []string{"entry 2 (b) has the key of a"}},
		"no file of keys":   {[]string{"API_KEYS_FILE=/nowhere/keys"}, []string{"API_KEYS_FILE", "/nowhere/keys"}},
		"an empty file":     {[]string{"API_KEYS_FILE=" + file}, []string{"API_KEYS_FILE holds no key"}},
		"half of TLS":       {[]string{"TLS_CERT_FILE=x"}, []string{"TLS_KEY_FILE", "set both"}},
		"metrics nowhere":   {[]string{"METRICS_ADDR=9464"}, []string{`METRICS_ADDR is "9464"`, "unset it"}},
		"metrics of others": {[]string{"METRICS_ADDR=192.0.2.1:9464"}, []string{"METRICS_ADDR", "address of this machine"}},
		"too few ports":     {[]string{"METRICS_ADDR=:65535", "WORKERS=2"}, []string{"METRICS_ADDR", "each worker"}},
		"no such preset":    {[]string{"DATABASE_URL=mysql://u:s3cret@h/db", "POOL_PRESET=pgx"}, []string{"POOL_PRESET", "aiomysql or sqlalchemy"}},
		"no pool setting":   {[]string{"DATABASE_URL=mysql://u:s3cret@h/db", "POOL_MAX_CONNS=many"}, []string{`POOL_MAX_CONNS is "many"`}},
		"pool breaks rules": {[]string{"DATABASE_URL=mysql://u:s3cret@h/db", "POOL_MIN_CONNS=9", "POOL_MAX_CONNS=3"}, []string{"POOL_", "MinConns"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, stdout := launch(t, c.env...)
			require.Equal(t, 2, p.exit(t))
			out, err := io.ReadAll(stdout)
			require.NoError(t, err)
			require.Empty(t, out)
			var lines []string
			for line := range strings.Lines(p.stderr.String()) {
				if !strings.Contains(line, "level=INFO") {
					lines = append(lines, line)
				}
			}
			require.Len(t, lines, 1)
			for _, s := range c.says {
				require.Contains(t, lines[0], s)
			}
			require.NotContains(t, lines[0], "s3cret")
			require.NotContains(t, lines[0], key)
		})
	}
}

func TestDataAreKeptWhereTheUserWantsThem(t *testing.T) {
	t.Parallel()
	env := environ.Vars{"HOME": t.TempDir()}
	load := func() string {
		c, err := loadConfig(env)
		require.NoError(t, err)
		require.Equal(t, "127.0.0.1:8001", c.address())
		return c.database.File
	}
	if runtime.GOOS == "linux" {
		require.Equal(t, filepath.Join(env["HOME"], ".local", "share", "productkit", "products.db"), load())
		env["XDG_DATA_HOME"] = "relative"
		require.Contains(t, load(), filepath.Join(".local", "share"))
		env["XDG_DATA_HOME"] = t.TempDir()
		require.Equal(t, filepath.Join(env["XDG_DATA_HOME"], "productkit", "products.db"), load())
	}
	env["DATA_DIR"] = filepath.Join(t.TempDir(), "a ü ?#%", "b")
	require.Equal(t, filepath.Join(env["DATA_DIR"], "products.db"), load())
	dir := t.TempDir()
	for _, url := range []string{"sqlite:///" + dir + "/x.db", "sqlite+aiosqlite:///" + dir + "/x.db", "file:" + dir + "/x.db", "file://" + dir + "/x.db"} {
		env["DATABASE_URL"] = url
		require.Equal(t, dir+"/x.db", load(), url)
	}
}

func TestAFolderWithAnOddNameWillDo(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a ü ?#%41&", "b")
	p := start(t, "DATA_DIR="+dir)
	require.FileExists(t, filepath.Join(dir, "products.db"))
	require.Contains(t, p.banner, dir)
	p.stop(t)
}

func TestAPortInUseIsNamed(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	p, _ := launch(t, "PORT="+port)
	require.Equal(t, 1, p.exit(t))
	require.Contains(t, p.stderr.String(), "productkit: PORT: 127.0.0.1:"+port+" is in use")
}

// nobody is an address at which nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

func TestAFileThatIsNoDatabaseIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "notes.db")
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("not a database ", 100)), 0o600))
	p, _ := launch(t, "DATABASE_URL=sqlite:///"+file)
	require.Equal(t, 1, p.exit(t))
	require.Contains(t, p.stderr.String(), "productkit: the database SQLite in "+file+" cannot be used")
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(content), "not a database", "it was not overwritten")
}

// The port is open before the database is there, and stopping is no failure.
func TestADatabaseThatIsDownIsWaitedFor(t *testing.T) {
	t.Parallel()
	at := nobody(t)
	port := strings.TrimPrefix(nobody(t), "127.0.0.1:")
	p, _ := launch(t, "PORT="+port, "DATABASE_URL=mysql://shop:s3cret@"+at+"/shop")
	p.url = "http://127.0.0.1:" + port
	require.Eventually(t, func() bool { return strings.Contains(p.stderr.String(), "waiting for the database") }, 10*time.Second, 10*time.Millisecond)
	require.Contains(t, p.stderr.String(), "shop@tcp("+at+")/shop")
	require.Contains(t, p.stderr.String(), "refused")
	require.Equal(t, 200, p.call(t, "GET", "/livez", "").status)
	require.Equal(t, 503, p.call(t, "GET", "/readyz", "").status)
	require.Contains(t, p.call(t, "GET", "/startupz", "").body, "[-]migrated failed")
	early := p.call(t, "GET", "/v1/products", "")
	require.Equal(t, 503, early.status)
	require.Equal(t, "1", early.header.Get("Retry-After"))
	require.Equal(t, "application/problem+json", early.header.Get("Content-Type"))
	p.stop(t)
	require.NotContains(t, p.stderr.String(), "s3cret")
}

func TestASecondSignalEndsTheServerAtOnce(t *testing.T) {
	t.Parallel()
	p := start(t)
	// An upload that stalls, so that the first signal alone would take long.
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "POST /v1/import?format=shopify&currency=CAD HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\nHandle,")
	require.NoError(t, err)
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	require.Eventually(t, func() bool { return strings.Contains(p.stderr.String(), "msg=stopping") }, 10*time.Second, time.Millisecond)
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	require.NotZero(t, p.exit(t))
}

func TestPresetsAndSettingsOfThePool(t *testing.T) {
	t.Parallel()
	load := func(vars environ.Vars) pool.Config {
		vars["DATABASE_URL"] = "mysql+aiomysql://shop@h/shop"
		c, err := loadConfig(vars)
		require.NoError(t, err)
		return c.database.Pool
	}
	c := load(environ.Vars{"POOL_PRESET": "aiomysql"})
	require.Equal(t, []any{1, 5, 50, 300 * time.Second}, []any{c.MinConns, c.MaxConns, c.MaxUses, c.MaxIdleTime})
	c = load(environ.Vars{"POOL_PRESET": "sqlalchemy", "POOL_MAX_OVERFLOW": "3", "POOL_ATTRIBUTES": "instance:a,service:shop"})
	require.Equal(t, []any{5, 3, 3600 * time.Second}, []any{c.MaxConns, c.MaxOverflow, c.MaxLifetime})
	require.Equal(t, map[string]string{"instance": "a", "service": "shop"}, c.Attributes)
	require.Positive(t, c.PingAfterIdle)
}

// A file .env is for development: the environment goes before it, and production does not look at it.
func TestAFileOfVariablesIsReadInDevelopment(t *testing.T) {
	t.Parallel()
	in := launching{dir: t.TempDir()}
	require.NoError(t, os.WriteFile(filepath.Join(in.dir, ".env"), []byte("# keys\nAPI_KEYS=shop:write:"+key+"\nPORT=1\n"), 0o600))
	p := in.start(t, "PORT=0")
	require.Equal(t, 401, p.call(t, "GET", "/v1/products", "").status)
	require.Equal(t, 200, p.call(t, "GET", "/v1/products", "", "X-API-Key: "+key).status)
	p.stop(t)
	p, _ = in.launch(t, "PORT=0", "MODE=production")
	require.Equal(t, 2, p.exit(t))
	require.Contains(t, p.stderr.String(), "API_KEYS")
}
