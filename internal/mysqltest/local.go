package mysqltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// localSource offers a server program of this machine.
func localSource(ctx context.Context, o Options) (machine, error) {
	program := programs()[o.Flavor]
	if program == "" {
		return nil, fmt.Errorf("%w: no mysqld or mariadbd for %s on PATH", errNoServer, o.Flavor)
	}
	dir, err := os.MkdirTemp("", "mysqltest-")
	if err != nil {
		return nil, err
	}
	l := &local{program: program, flavor: o.Flavor, dir: dir, args: o.Args}
	reaper.add(l.folder())
	if err := l.initialise(ctx); err != nil {
		return nil, errors.Join(err, l.remove())
	}
	return l, nil
}

// programs returns the server program of each flavour.
var programs = sync.OnceValue(func() map[Flavor]string {
	found := map[Flavor]string{}
	for _, candidate := range candidates() {
		path, err := exec.LookPath(candidate)
		if err != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		version, err := exec.CommandContext(ctx, path, "--version").Output()
		cancel()
		if f := flavorOf(string(version)); err == nil && found[f] == "" {
			found[f] = path
		}
	}
	return found
})

func candidates() []string {
	all := filepath.SplitList(os.Getenv("MYSQLTEST_SERVER"))
	for _, dir := range []string{"", "/usr/sbin", "/usr/local/sbin"} {
		all = append(all, filepath.Join(dir, "mysqld"), filepath.Join(dir, "mariadbd"))
	}
	if dir := downloads(); dir != "" {
		all = append(all, filepath.Join(dir, "mysql", "server"), filepath.Join(dir, "mariadb", "server"))
	}
	return all
}

// downloads returns the folder of servers that "make test" keeps in the root of the repository,
// above the working folder, which may lie in a module nested in it; or "".
func downloads() string {
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		found := filepath.Join(dir, ".cache", "mysqltest")
		if _, err := os.Stat(found); err == nil {
			return found
		}
		dir = filepath.Dir(dir)
	}
	return ""
}

// local is a [machine] that is a process of this machine.
type local struct {
	program string
	flavor  Flavor
	args    []string
	dir     string // holds everything the server writes
	address string

	mu      sync.Mutex
	process *os.Process
	done    chan struct{} // closed when the process is gone
	status  error
}

func (l *local) addr() string     { return l.address }
func (l *local) folder() resource { return resource{Kind: kindFolder, ID: l.dir} }
func (l *local) path(name string) string {
	return filepath.Join(l.dir, name)
}

// command returns the server's command line with the options that every way of running it shares.
func (l *local) command(args ...string) []string {
	// A temporary folder of its own too: MariaDB clears its at the start, of other servers' tables as well.
	common := []string{l.program, "--no-defaults", "--datadir=" + l.path("data"), "--tmpdir=" + l.dir}
	if os.Geteuid() == 0 {
		common = append(common, "--user=root") // the server refuses to be root by accident
	}
	return slices.Concat(common, tuning, args)
}

// initialise makes the data folder and chooses the port.
func (l *local) initialise(ctx context.Context) error {
	// One statement a line: MariaDB reads no more than that.
	rights := "DROP USER IF EXISTS 'root'@'127.0.0.1', 'root'@'::1';\n" + // MariaDB's, without a password
		"CREATE USER IF NOT EXISTS 'root'@'%' IDENTIFIED BY '" + password + "';\n" +
		"GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;\n"
	if err := os.WriteFile(l.path("init.sql"), []byte(rights), 0o600); err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	l.address = net.JoinHostPort("127.0.0.1", port)

	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if l.flavor == MySQL {
		return l.run(ctx, nil, "--initialize-insecure")
	}
	if err := os.Mkdir(l.path("data"), 0o700); err != nil {
		return err
	}
	script, err := l.systemTables(ctx)
	if err != nil {
		return err
	}
	return l.run(ctx, script, "--bootstrap")
}

// systemTables returns what mariadb-install-db feeds to a new server. That script itself is of no
// use here: it finds neither a server that is unpacked somewhere nor one behind a wrapper.
func (l *local) systemTables(ctx context.Context) (io.Reader, error) {
	help, err := exec.CommandContext(ctx, l.program, "--no-defaults", "--verbose", "--help").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --verbose --help: %w", l.program, err)
	}
	var charsets string
	for line := range strings.Lines(string(help)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "character-sets-dir" {
			charsets = fields[1]
		}
	}
	share := filepath.Dir(filepath.Clean(charsets))
	readers := []io.Reader{strings.NewReader("CREATE DATABASE mysql;\nUSE mysql;\n")}
	for _, suffix := range []string{"system_tables.sql", "performance_tables.sql", "system_tables_data.sql"} {
		var script []byte
		for _, prefix := range []string{"mariadb_", "mysql_"} { // the name before 11.0
			if script, err = os.ReadFile(filepath.Join(share, prefix+suffix)); err == nil {
				break
			}
		}
		if err != nil {
			return nil, fmt.Errorf("MariaDB's system tables: %w", err)
		}
		readers = append(readers, bytes.NewReader(script), strings.NewReader("\n"))
	}
	return io.MultiReader(readers...), nil
}

// run runs the server's program to its end.
func (l *local) run(ctx context.Context, stdin io.Reader, arg string) error {
	line := l.command(arg)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Stdin = stdin
	detach(cmd)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return err
	}
	running := resource{Kind: kindProcess, ID: strconv.Itoa(cmd.Process.Pid)}
	reaper.add(running)
	defer reaper.remove(running)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", l.program, arg, err, tail(output.Bytes()))
	}
	return nil
}

func (l *local) start() error {
	log, err := os.OpenFile(l.path("log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	_, port, _ := net.SplitHostPort(l.address)
	args := []string{
		"--bind-address=127.0.0.1", "--port=" + port,
		"--socket=" + l.path("socket"), "--pid-file=" + l.path("pid"),
		"--init-file=" + l.path("init.sql"), "--secure-file-priv=",
	}
	if l.flavor == MySQL {
		args = append(args, "--mysqlx=OFF")
	}
	line := l.command(append(args, l.args...)...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	running := resource{Kind: kindProcess, ID: strconv.Itoa(cmd.Process.Pid)}
	reaper.add(running)

	l.mu.Lock()
	defer l.mu.Unlock()
	done := make(chan struct{})
	l.process, l.done, l.status = cmd.Process, done, nil
	go func() {
		err := cmd.Wait()
		reaper.remove(running)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.status = err
		close(done)
	}()
	return nil
}

func (l *local) ended() error {
	process, done := l.current()
	if process == nil {
		return errors.New("the server is not running")
	}
	select {
	case <-done:
	default:
		return nil
	}
	log, _ := os.ReadFile(l.path("log"))
	return fmt.Errorf("%s ended (%v): %s", l.program, l.status, tail(log))
}

func (l *local) current() (*os.Process, chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.process, l.done
}

func (l *local) stop(ctx context.Context) error {
	process, done := l.current()
	if process == nil {
		return nil
	}
	if err := terminate(process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s is still running: %w", l.program, ctx.Err())
	}
}

func (l *local) kill() error {
	process, done := l.current()
	if process == nil {
		return nil
	}
	if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-done // SIGKILL leaves no choice
	return nil
}

func (l *local) pause() error {
	process, _ := l.current()
	return pause(process)
}

func (l *local) resume() error {
	process, _ := l.current()
	return resume(process)
}

func (l *local) remove() error {
	err := errors.Join(l.kill(), os.RemoveAll(l.dir))
	if err == nil {
		reaper.remove(l.folder())
	}
	return err
}

// freePort returns a loopback port that nothing listens on. It is below the ports that systems give
// to outgoing connections and to listeners on port 0: such a one could be taken by another process
// before the server listens, or while a test has it stopped.
func freePort() (string, error) {
	const first, count, tries = 20000, 12000, 100
	var err error
	for range tries {
		port := strconv.Itoa(first + rand.IntN(count))
		var listener net.Listener
		if listener, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			return port, listener.Close()
		}
	}
	return "", fmt.Errorf("no free port: %w", err)
}

// tail returns the last lines of a server's log for an error message.
func tail(log []byte) string {
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}
