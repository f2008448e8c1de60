package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/internal/testscale"
)

// size is how many rows the file has, and faultEvery the distance between two faulty ones. Each
// defect comes at least once.
var (
	size       = testscale.N(5_000, 1_000_000)
	faultEvery = testscale.N(250, 1_000)
)

// defect is a way for a row to be faulty, and what is to be told of it.
type defect struct {
	row         func(n int) string
	field, code string
}

// defects spoil one thing of a row each. Each row of a file that they are in takes the next.
var defects = []defect{
	{spoil("price", "cheap"), "price", "format"},
	{spoil("currency", "EURO"), "price.currency", "unknown"},
	{spoil("name", ""), "name", "required"},
	{spoil("sku", "two words #"), "sku", "format"},
	{func(n int) string { return fmt.Sprintf("F-%d,Cells,1.00\n", n) }, "", "columns"},
	{spoil("name", `a "word" in quotes`), "", "quotes"},
	{spoil("name", "K\xe4se"), "", "encoding"},
	{spoil("name", "nothing\x00here"), "", "encoding"},
	{spoil("status", "sold"), "status", "unknown"},
	{spoil("stock", "many"), "stock", "format"},
	{spoil("backorder", "maybe"), "backorder", "format"},
	{spoil("barcode", "4006381333932"), "barcode", "check_digit"},
	{spoil("weight_grams", "-1"), "weight_grams", "format"},
	{spoil("options", "{"), "options", "format"},
	{spoil("publish_at", "tomorrow"), "publish_at", "format"},
	{spoil("sku", "S-0"), "sku", "duplicate"},
	{spoil("price", "-1.00"), "price", "format"},
	{spoil("name", strings.Repeat("x", 256)), "name", "too_long"},
	{spoil("sku", strings.Repeat("x", 64)+"#"), "sku", "format"},
	{spoil("description", strings.Repeat("x", 1<<20)), "", "too_long"},
}

var columns = []string{"sku", "name", "price", "currency", "status", "stock", "backorder", "barcode", "weight_grams", "options", "publish_at", "description"}

// spoil makes rows that hold a wrong cell, in which # stands for their number.
func spoil(column, cell string) func(n int) string {
	return func(n int) string {
		cells := map[string]string{
			"sku": fmt.Sprint("F-", n), "name": "Faulty", "price": "1.00", "currency": "EUR", "status": "active", "stock": "1",
			"backorder": "no", "weight_grams": "1",
		}
		cells[column] = strings.ReplaceAll(cell, "#", strconv.Itoa(n))
		row := make([]string, len(columns))
		for i, name := range columns {
			row[i] = cells[name]
		}
		return strings.Join(row, ",") + "\n"
	}
}

// good is a row in order. Some are of two lines.
func good(n int) string {
	text := "A lamp for the table"
	if n%7 == 0 {
		text = "\"Two lines,\nof text\""
	}
	return fmt.Sprintf("S-%d,Lamp %d,%d.%02d,EUR,active,%d,no,4006381333931,%d,\"{\"\"Size\"\":\"\"M\"\"}\",2026-01-02T03:04:05Z,%s\n",
		n, n, n%500, n%100, n%90, n%2000, text)
}

// generate writes the file.
func generate(w io.Writer) error {
	b := bufio.NewWriterSize(w, 64<<10)
	_, _ = b.WriteString(strings.Join(columns, ",") + "\n") // Flush tells
	for i := range size {
		if i%faultEvery == faultEvery-1 {
			_, _ = b.WriteString(defects[i/faultEvery%len(defects)].row(i))
		} else {
			_, _ = b.WriteString(good(i))
		}
	}
	return b.Flush()
}

// refusals are what a report of the file holds.
func refusals() [][]string {
	told := [][]string{{"event", "line", "field", "code"}}
	line := 2
	for i := range size {
		if i%faultEvery == faultEvery-1 {
			d := defects[i/faultEvery%len(defects)]
			told = append(told, []string{"refused", strconv.Itoa(line), d.field, d.code})
			line++
		} else {
			line += strings.Count(good(i), "\n")
		}
	}
	return told
}

// importer is the program: the test binary itself, but at full size, where memory is measured, one
// without the race detector, which multiplies it.
func importer(t *testing.T) string {
	t.Helper()
	if !testscale.Long() {
		return os.Args[0]
	}
	path := filepath.Join(t.TempDir(), "import")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

func TestAMillionRowsOfWhichSomeAreFaulty(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there is no /dev/stdin")
	}
	program := importer(t)
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		importTwice(t, program, newDatabase(t))
	})
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) { importTwice(t, program, db.DSN()) })
}

func importTwice(t *testing.T, program, database string) {
	faulty := size / faultEvery
	for _, counts := range []string{"%[1]d rows: %[2]d created, 0 updated, 0 unchanged, %[3]d refused", "%[1]d rows: 0 created, 0 updated, %[2]d unchanged, %[3]d refused"} {
		report := filepath.Join(t.TempDir(), "report.csv")
		cmd := command(t, program, testscale.N(5*time.Minute, 30*time.Minute), database, "-report", report, "/dev/stdin")
		var out, errOut bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errOut
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		begin := time.Now()
		require.NoError(t, cmd.Start())
		written := make(chan error, 1)
		go func() {
			err := generate(in)
			written <- err
			_ = in.Close() // Wait closes it, too
		}()
		peak := watch(t, cmd)
		t.Logf("%s  %.0f rows/s, at most %d MiB", strings.TrimSpace(out.String()), float64(size)/time.Since(begin).Seconds(), peak)
		require.NoError(t, <-written, "%s", &errOut)
		require.Equal(t, exitRefused, cmd.ProcessState.ExitCode(), "%s", &errOut)
		require.Contains(t, out.String(), fmt.Sprintf(counts, size, size-faulty, faulty))
		told := readReport(t, report)
		require.Len(t, told, 1+faulty)
		for i, row := range told { // without the SKU
			told[i] = []string{row[0], row[1], row[3], row[4]}
		}
		// What breaks a rule is told with its batch, and so behind what could not be read.
		slices.SortStableFunc(told[1:], func(a, b []string) int { return cmp.Or(cmp.Compare(len(a[1]), len(b[1])), cmp.Compare(a[1], b[1])) })
		for i, want := range refusals() {
			require.Equal(t, want, told[i])
		}
		require.Less(t, peak, testscale.N(1024, 120), "MiB")
	}
}

var highWater = regexp.MustCompile(`VmHWM:\s*(\d+) kB`)

// watch waits for the program's end and returns the most memory that it had, in MiB; 0 where proc(5)
// does not tell. It is not what wait4(2) tells, which begins with the memory of whoever forked.
func watch(t *testing.T, cmd *exec.Cmd) (peak int) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // the exit code is looked at
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		if found := highWater.FindSubmatch(status); err == nil && found != nil {
			kilobytes, err := strconv.Atoi(string(found[1]))
			require.NoError(t, err)
			peak = max(peak, kilobytes>>10)
		}
		select {
		case <-ended:
			return peak
		case <-tick.C:
		}
	}
}
