package browsertest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	_ "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/httpapi/console"
	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(browsing{mysqltest.Main(m)}) }

// browsing ends the browser that all tests share.
type browsing struct{ *mysqltest.M }

func (b browsing) Run() int {
	defer func() {
		if chromium.close != nil {
			chromium.close()
		}
	}()
	return b.M.Run()
}

// chromium is one process for all tests; each has a context of its own in it, with cookies of its own.
var chromium struct {
	once  sync.Once
	ctx   context.Context
	close func()
	err   error
}

func launch() {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, chromium.err = exec.LookPath(name); chromium.err == nil {
			break
		}
	}
	if chromium.err != nil {
		return
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true))
	allocated, cancelAllocator := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(allocated)
	chromium.err = chromedp.Do(ctx) // starts it
	chromium.ctx, chromium.close = ctx, func() { cancel(); cancelAllocator() }
}

// wait bounds everything that a test waits for in a browser.
const wait = 30 * time.Second

// tab is a browser context with one page. What the page complains of fails the test at its end.
type tab struct {
	t      *testing.T
	ctx    context.Context
	url    string // of the console
	once   bool   // accessible looks once only: the pages are those of the other engine
	mu     sync.Mutex
	faults []string
	lax    []string // parts of complaints that are expected
	shots  int
}

// open opens a page of the console in a browser context of its own: another user's.
func (s *site) open(t *testing.T, path string) *tab {
	t.Helper()
	chromium.once.Do(launch)
	require.NoError(t, chromium.err, "the console is tested in Chromium: apt-get install chromium")
	ctx, cancel := chromedp.NewContext(chromium.ctx, chromedp.WithNewBrowserContext())
	ctx, stop := context.WithTimeout(ctx, 4*wait)
	b := &tab{t: t, ctx: ctx, url: s.url, once: s.once, lax: []string{"htmx:sendAbort", "htmx:afterRequest"}} // of a page that is left meanwhile
	require.NoError(t, chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *cdplog.EventEntryAdded: // reports of the Content-Security-Policy, too
			if e.Entry.Level == cdplog.EntryLevelError || e.Entry.Source == cdplog.EntrySourceSecurity {
				b.complain(e.Entry.Text + " " + e.Entry.URL)
			}
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
				var said []string
				for _, a := range e.Args {
					said = append(said, string(a.Value)+a.Description)
				}
				b.complain(fmt.Sprintf("console.%s %s", e.Type, strings.Join(said, " ")))
			}
		case *runtime.EventExceptionThrown:
			b.complain(fmt.Sprintf("%+v", e.ExceptionDetails))
		}
	}))
	t.Cleanup(func() {
		cancel()
		stop()
		b.mu.Lock()
		defer b.mu.Unlock()
		require.Empty(t, b.faults, "the browser complains")
	})
	_, err := chromedp.Call(ctx, cdplog.Enable, cdp.Empty{})
	require.NoError(t, err)
	b.look("light", 1280)
	b.visit(path)
	return b
}

func (b *tab) complain(fault string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, part := range b.lax {
		if strings.Contains(fault, part) {
			return
		}
	}
	b.faults = append(b.faults, fault)
}

// expects lets complaints with this text pass: of an answer with the status 422 the browser says so.
func (b *tab) expects(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lax = append(b.lax, part)
}

// run does things in the page, one after the other.
func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, actions...))
}

// look makes the page light or dark, and as wide as this.
func (b *tab) look(scheme string, width int64) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	require.NoError(b.t, err)
	b.run(chromedp.EmulateViewport(width, 900))
}

// scriptless keeps pages from running scripts of theirs from now on. What tests evaluate still runs.
func (b *tab) scriptless() {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(b.t, err)
	b.run(chromedp.Reload())
}

// visit goes to a path below the console, or to one that is whole.
func (b *tab) visit(path string) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.url + path))
}

// click clicks what a CSS selector finds first and is seen.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.run(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// fill types into a field in place of what is there.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	quoted, _ := json.Marshal(selector)
	eval[string](b, "document.querySelector("+string(quoted)+").value = ''")
	b.run(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// choose takes an option of a select, as a user does.
func (b *tab) choose(selector, value string) {
	b.t.Helper()
	s, _ := json.Marshal(selector)
	v, _ := json.Marshal(value)
	eval[bool](b, fmt.Sprintf(`(s => { s.value = %s; return s.dispatchEvent(new Event("change", {bubbles: true})) })(document.querySelector(%s))`, v, s))
}

// eval returns the value of an expression of JavaScript.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, expression[:min(len(expression), 200)])
	return value
}

// until waits until an expression of JavaScript is true, over loads of the page too.
func (b *tab) until(expression string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		ctx, cancel := context.WithTimeout(b.ctx, wait)
		defer cancel()
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		return err == nil && ok
	}, wait, 20*time.Millisecond, expression)
}

// reads waits until the page says this somewhere.
func (b *tab) reads(text string) {
	b.t.Helper()
	quoted, _ := json.Marshal(text)
	b.until("document.body.innerText.includes(" + string(quoted) + ")")
}

// accessible wants no violation of axe-core's rules, light and dark, wide and narrow (on MySQL light and narrow alone), and no page that is
// wider than its window.
func (b *tab) accessible() {
	b.t.Helper()
	type violation struct {
		ID    string `json:"id"`
		Help  string `json:"help"`
		Nodes []struct {
			HTML           string `json:"html"`
			FailureSummary string `json:"failureSummary"`
		} `json:"nodes"`
	}
	eval[bool](b, axe(b.t)+"; true")
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 390} {
			if b.once && (scheme != "light" || width != 390) {
				continue
			}
			b.look(scheme, width)
			violations := eval[[]violation](b, `axe.run({resultTypes: ["violations"]}).then(r => r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => ({html: n.html, failureSummary: n.failureSummary}))})))`)
			require.Empty(b.t, violations, "%s, %d wide", scheme, width)
			require.True(b.t, eval[bool](b, "document.documentElement.scrollWidth <= innerWidth"), "%s, %d wide: the page scrolls sideways", scheme, width)
		}
	}
	b.shoot()
	b.look("light", 1280)
}

// shoot keeps pictures of the page in the folder SCREENSHOTS, if that is set.
func (b *tab) shoot() {
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	b.shots++
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 390, 2560} {
			b.look(scheme, width)
			b.run(chromedp.EmulateViewport(width, min(max(eval[int64](b, "document.documentElement.scrollHeight"), 900), 2600)))
			picture, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{})
			require.NoError(b.t, err)
			name := fmt.Sprintf("%s-%d-%s-%d.png", strings.ReplaceAll(strings.TrimPrefix(b.t.Name(), "Test"), "/", "-"), b.shots, scheme, width)
			require.NoError(b.t, os.WriteFile(filepath.Join(dir, name), picture.Data, 0o600))
		}
	}
}

// site is a console with its catalogue.
type site struct {
	url string // of the console, without a slash behind
	svc *product.Service
	db  *sql.DB
	dsn string

	once  bool   // see tab
	stop  func() // ends the server, which start starts again on the same database and address
	start func(t *testing.T)
}

// eachEngine runs a test with a console on SQLite and with one on MySQL.
func eachEngine(t *testing.T, opts *console.Options, test func(t *testing.T, s *site)) {
	t.Helper()
	for driver, dsn := range map[string]func(t *testing.T) string{
		"sqlite": func(t *testing.T) string {
			return "file:" + filepath.Join(t.TempDir(), "db") + "?_pragma=journal_mode(wal)&_pragma=synchronous(off)"
		},
		"mysql": func(t *testing.T) string { return mysqltest.New(t).DSN() },
	} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			s := &site{once: driver != "sqlite"}
			s.serve(t, driver, dsn(t), opts)
			test(t, s)
		})
	}
}

// serve starts the server, and sets how it is stopped and started again.
func (s *site) serve(t *testing.T, driver, dsn string, opts *console.Options) {
	t.Helper()
	s.stop = func() {}
	t.Cleanup(func() { s.stop() })
	address := "127.0.0.1:0"
	s.start = func(t *testing.T) {
		t.Helper()
		db, err := sql.Open(driver, dsn)
		require.NoError(t, err)
		if driver == "sqlite" {
			db.SetMaxOpenConns(1)
		}
		s.stop = func() { _ = db.Close() }
		s.db, s.dsn = db, dsn
		require.NoError(t, sqlstore.Migrate(t.Context(), db, nil))
		store, err := sqlstore.New(t.Context(), db, nil)
		require.NoError(t, err)
		s.svc = product.NewService(store, nil)
		set := console.Options{}
		if opts != nil {
			set = *opts
		}
		set.Prefix = "/console"
		h, err := console.NewHandler(s.svc, &set)
		require.NoError(t, err)
		server := httptest.NewUnstartedServer(h)
		listener, err := net.Listen("tcp", address)
		require.NoError(t, err)
		_ = server.Listener.Close()
		server.Listener = listener
		server.Start()
		address = listener.Addr().String()
		s.url = server.URL + "/console"
		s.stop = func() {
			assert.NoError(t, h.Close(context.Background())) // first, for the server would wait for streams
			server.Close()
			_ = s.svc.Close(context.Background())
			_ = db.Close()
			s.stop = func() {}
		}
	}
	s.start(t)
}

// create adds products.
func (s *site) create(t *testing.T, drafts ...product.Draft) {
	t.Helper()
	entries := make([]product.Entry, len(drafts))
	for i := range drafts {
		entries[i].Draft = drafts[i]
	}
	outcomes, err := s.svc.Merge(t.Context(), entries)
	require.NoError(t, err)
	for _, o := range outcomes {
		require.NoError(t, o.Err)
	}
}
