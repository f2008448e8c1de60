package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/product/sqlstore"
	"github.com/productkit-go/productkit/product/storetest"
)

// asImport makes the test binary the program itself.
const asImport = "PRODUCTKIT_TEST_IMPORT"

func TestMain(m *testing.M) {
	if os.Getenv(asImport) != "" {
		main()
	}
	goleak.VerifyTestMain(mysqltest.Main(m))
}

// command is the program with these arguments, in a home of its own. It is killed when its time is
// over, so whoever reads what it writes need not watch the clock.
func command(t *testing.T, program string, limit time.Duration, database string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{asImport + "=1", "HOME=" + t.TempDir(), "DATABASE_URL=" + database}
	return cmd
}

// outcome runs the program to its end.
func outcome(t *testing.T, database string, args ...string) (code int, out, errOut string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := command(t, os.Args[0], 3*time.Minute, database, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// readUntil returns what it has read when the text is there.
func readUntil(t *testing.T, r io.Reader, text string) string {
	t.Helper()
	var all []byte
	piece := make([]byte, 4<<10)
	for !bytes.Contains(all, []byte(text)) {
		n, err := r.Read(piece)
		all = append(all, piece[:n]...)
		require.NoError(t, err, "%s", all)
	}
	return string(all)
}

func newDatabase(t *testing.T) string {
	return "sqlite:///" + filepath.ToSlash(filepath.Join(t.TempDir(), "shop.db"))
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

const faulty = "sku,name,price,currency\nA,Lamp,19.90,EUR\nB,Chair,cheap,EUR\nC,,1,EUR\nD,Table,99,EUR\n"

func TestGoodRowsLandAndRefusedOnesAreToldByLine(t *testing.T) {
	t.Parallel()
	database, file := newDatabase(t), write(t, "products.csv", faulty)
	code, out, errOut := outcome(t, database, "-dry-run", file)
	require.Equal(t, exitRefused, code)
	require.Contains(t, out, "4 rows: 2 created, 0 updated, 0 unchanged, 2 refused, 0 warnings")
	require.Contains(t, out, "in a dry run")
	require.Contains(t, errOut, `line 3, refused: SKU "B": price `)

	code, out, errOut = outcome(t, database, file)
	require.Equal(t, exitRefused, code)
	require.Contains(t, out, "4 rows: 2 created, 0 updated, 0 unchanged, 2 refused, 0 warnings")
	require.Contains(t, errOut, `line 4, refused: SKU "C": name `)

	report := filepath.Join(t.TempDir(), "report.csv")
	code, out, errOut = outcome(t, database, "-report", report, file)
	require.Equal(t, exitRefused, code)
	require.Contains(t, out, "2 unchanged, 2 refused")
	require.Empty(t, errOut)
	told := readReport(t, report)
	require.Equal(t, [][]string{{"event", "line", "sku", "field", "code"}, {"refused", "3", "B", "price", "format"}, {"refused", "4", "C", "name", "required"}}, told)

	good := write(t, "products.jsonl", `{"sku":"A","name":"Lamp","price":{"amount":2000,"currency":"EUR"}}`)
	code, out, _ = outcome(t, database, good)
	require.Equal(t, exitWell, code)
	require.Contains(t, out, "1 rows: 0 created, 1 updated")
}

// A catalogue that runs is sent the file, and needs no database here.
func TestAFileIsSentToARunningCatalogue(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	t.Cleanup(func() { _ = db.Close() })
	require.NoError(t, sqlstore.Migrate(t.Context(), db, nil))
	store, err := sqlstore.New(t.Context(), db, nil)
	require.NoError(t, err)
	svc := storetest.NewService(t, store, nil)
	h, err := httpapi.NewHandler(svc, &httpapi.Options{Prefix: "/v1"})
	require.NoError(t, err)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)

	code, out, errOut := outcome(t, "no URL at all", "-server", server.URL+"/v1", write(t, "products.csv", faulty))
	require.Equal(t, exitRefused, code, errOut)
	require.Contains(t, out, "4 rows: 2 created, 0 updated, 0 unchanged, 2 refused, 0 warnings")
	require.Contains(t, errOut, `line 3, refused: SKU "B": price `)
	file := write(t, "other.csv", "Code,Title,Cost\nD,Table,99\n")
	code, out, errOut = outcome(t, "", "-server", server.URL+"/v1", "-map", "Code:sku,Title:name,Cost:price", "-currency", "USD", "-dry-run", file)
	require.Equal(t, exitWell, code, errOut)
	require.Contains(t, out, "1 rows: 0 created, 1 updated, 0 unchanged, 0 refused, 0 warnings")
	p, err := svc.GetBySKU(t.Context(), "D")
	require.NoError(t, err)
	require.Equal(t, "EUR", p.Price.Currency, "a dry run changes nothing")

	code, _, errOut = outcome(t, "", "-server", server.URL+"/elsewhere", file)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errOut, "404")
}

// readReport returns the report without its messages, each of which must be there.
func readReport(t *testing.T, path string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	for i, row := range rows {
		require.NotEmpty(t, row[5])
		rows[i] = row[:5]
	}
	return rows
}

func TestFilesOfOtherShopsGoIn(t *testing.T) {
	t.Parallel()
	code, out, errOut := outcome(t, newDatabase(t), "-format", "shopify", "-currency", "CAD", "../../product/feed/testdata/apparel.csv")
	require.Equal(t, exitWell, code, errOut)
	require.Contains(t, out, "22 created")

	file := write(t, "shop.csv", "Code;Title\n")
	code, _, errOut = outcome(t, newDatabase(t), "-map", "Code:sku,Title:name,Price:price", "-currency", "EUR", file)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errOut, "not separated by commas")
}

func TestWrongCallsAreExplained(t *testing.T) {
	t.Parallel()
	file := write(t, "products.csv", faulty)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, exitUsage, "0 files are named"},
		{[]string{file, file}, exitUsage, "2 files are named"},
		{[]string{"-nonsense", file}, exitUsage, "usage: import"},
		{[]string{"-h"}, exitWell, "usage: import"},
		{[]string{"-format", "excel", file}, exitUsage, "use native, ndjson or shopify"},
		{[]string{"-format", "shopify", file}, exitUsage, "currency"},
		{[]string{"-map", "Code", file}, exitUsage, "no colon"},
		{[]string{"-database", "postgres://u:s3cret@h/db", file}, exitUsage, "mysql://"},
		{[]string{file + ".not"}, exitFailed, "products.csv.not"},
		{[]string{"-report", filepath.Join(file, "x"), file}, exitFailed, "products.csv"},
	} {
		code, out, errOut := outcome(t, newDatabase(t), c.args...)
		require.Equal(t, c.code, code, "%v: %s", c.args, errOut)
		require.Contains(t, errOut, c.says, c.args)
		require.NotContains(t, errOut, "s3cret")
		require.Empty(t, out)
	}
}

func TestAnInterruptEndsAStalledImportAtABatchWithItsSummary(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there are no signals, and there is no /dev/stdin")
	}
	cmd := command(t, os.Args[0], 3*time.Minute, newDatabase(t), "/dev/stdin")
	var out bytes.Buffer
	cmd.Stdout = &out
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	said, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = io.WriteString(in, rows(700))
	require.NoError(t, err)
	for range 2 { // progress is told while nothing comes
		readUntil(t, said, ": 500 created")
	}
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	rest, err := io.ReadAll(said)
	require.NoError(t, err)
	require.Error(t, cmd.Wait())
	require.Equal(t, exitFailed, cmd.ProcessState.ExitCode(), "%s", rest)
	require.Contains(t, out.String(), "500 created, 0 updated, 0 unchanged, 0 refused")
	require.Contains(t, string(rest), "importing the file again completes it")
}

// rows is a file of n products.
func rows(n int) string {
	var b strings.Builder
	b.WriteString("sku,name,price,currency\n")
	for i := range n {
		fmt.Fprintf(&b, "S-%d,Name,1,EUR\n", i)
	}
	return b.String()
}
