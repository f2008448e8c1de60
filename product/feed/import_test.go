package feed_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

// tees is a file of n products of one row each.
func tees(n int) string {
	var b strings.Builder
	b.WriteString("Handle,Title,Variant Price\n")
	for i := range n {
		fmt.Fprintf(&b, "tee-%d,T,1\n", i)
	}
	return b.String()
}

func TestWrongFilesAreNamedBeforeAnythingLands(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, code, says string
		line             int
	}{
		"empty":           {"", "empty", "column names", 1},
		"blank lines":     {"\n\r\n", "empty", "column names", 1},
		"no header":       {"tee,T-shirt,19.90\n", "no_header", `begins with "tee"`, 1},
		"semicolons":      {"Handle;Title;Variant Price\n", "no_header", "separated by commas", 1},
		"missing column":  {"Handle,Title\ntee,T\n", "missing_column", "Variant Price", 1},
		"column twice":    {"\nHandle,Title,Price,Variant Price\n", "duplicate_column", "columns 3 and 4", 2},
		"wrong encoding":  {"\xff\xfeH\x00a\x00", "no_header", `begins with "Ha"`, 1},
		"image":           {"\x89PNG\r\n\x1a\n\x00\x00", "encoding", "UTF-8", 1},
		"broken quotes":   {"Handle,\"Title,Variant Price\ntee,T,1\n", "quotes", "quote", 1},
		"header too long": {strings.Repeat("x", 2<<20), "too_long", "bytes", 1},
		"JSON":            {`{"sku":"A"}` + "\n", "quotes", "line of column names", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r recorder
			events, summary := run(t, &r, c.file, euros())
			require.Len(t, events, 1)
			e := events[0]
			require.Equal(t, feed.EventFailed, e.Kind)
			require.Equal(t, c.code, e.Code, e.Message)
			require.Equal(t, c.line, e.Line)
			require.Contains(t, e.Message, c.says)
			var structure *feed.StructureError
			require.ErrorAs(t, e.Err, &structure)
			require.False(t, *summary.Complete)
			require.Equal(t, feed.Counts{}, *summary.Counts)
			require.Empty(t, r.batches)
		})
	}
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	events, _ := run(t, &recorder{}, tees(1), feed.Config{Format: "excel", Currency: "euro", Encoding: "latin"})
	require.Len(t, events, 1)
	require.ErrorIs(t, events[0].Err, product.ErrInvalid)
	require.Equal(t, "encoding", events[0].Field)
	require.Equal(t, "format", events[0].More[0].Field)
	require.Equal(t, "currency", events[0].More[1].Field)

	require.NoError(t, euros().Validate())
	err := feed.Config{Format: feed.Shopify, Currency: "euro"}.Validate()
	require.ErrorContains(t, err, "ISO 4217")
}

func TestByteOrderMarkAndEveryLineEndAreUnderstood(t *testing.T) {
	t.Parallel()
	for _, file := range []string{
		"\ufeffHandle,Title,Variant Price\r\ntee,T,1\r\n",
		"\ufeff\"Handle\",Title,Variant Price\n\n\r\ntee,\"T\r\nshirt\",1",
	} {
		var r recorder
		events, summary := run(t, &r, file, euros())
		require.Empty(t, events)
		require.EqualValues(t, 1, summary.Created)
		require.Contains(t, r.entries, "tee")
	}
}

func TestUnclosedQuotesRefuseWhatTheySwallow(t *testing.T) {
	t.Parallel()
	var r recorder
	events, summary := run(t, &r, sheet("Handle,Title,Variant Price", "a,A,1", `b,"B,1`, "c,C,1", "d,D,1"), euros())
	require.Equal(t, feed.Counts{Rows: 2, Created: 1, Refused: 1}, *summary.Counts)
	require.Equal(t, "quotes", events[0].Code)
	require.Equal(t, 3, events[0].Line)
}

// endless is a reader of n bytes of one kind.
type endless struct {
	c byte
	n int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.n == 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.n)
	for i := range n {
		p[i] = e.c
	}
	e.n -= n
	return n, nil
}

// Not parallel: it measures what the whole process allocates.
func TestAHugeCellIsSkippedWithoutBeingHeld(t *testing.T) {
	for _, quote := range []string{"", `"`} {
		var r recorder
		file := io.MultiReader(
			strings.NewReader("Handle,Title,Variant Price\na,A,1\nb,"+quote), &endless{'x', 64 << 20},
			strings.NewReader(quote+",1\nc,C,1\n"))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var events []feed.Event
		for e := range feed.Import(t.Context(), &r, file, euros()) {
			events = append(events, e)
		}
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), "64 MiB went by")
		require.Len(t, events, 2)
		require.Equal(t, "too_long", events[0].Code)
		require.Equal(t, 3, events[0].Line)
		require.Equal(t, feed.Counts{Rows: 3, Created: 2, Refused: 1}, *events[1].Counts)
	}
}

func TestBatchesAreOfTheSizeAskedFor(t *testing.T) {
	t.Parallel()
	var r recorder
	cfg := euros()
	cfg.BatchSize = 4
	_, summary := run(t, &r, tees(10), cfg)
	require.EqualValues(t, 10, summary.Created)
	require.ElementsMatch(t, []int{4, 4, 2}, r.batches)
}

func TestAnUnavailableCatalogueStopsTheImportAndRunningAgainCompletesIt(t *testing.T) {
	t.Parallel()
	var r recorder
	down := errors.Join(errors.New("secret of the driver"), product.ErrUnavailable)
	r.before = func(first string) error {
		if first == "tee-3" {
			return down
		}
		return nil
	}
	cfg := euros()
	cfg.BatchSize = 3
	events, summary := run(t, &r, tees(8), cfg)
	require.Len(t, events, 1)
	e := events[0]
	require.Equal(t, feed.EventFailed, e.Kind)
	require.Equal(t, "unavailable", e.Code)
	require.Equal(t, 5, e.Line, "the first row that did not land")
	require.ErrorIs(t, e.Err, product.ErrUnavailable)
	require.Contains(t, e.Message, "importing the file again completes it")
	require.NotContains(t, e.Message, "secret")
	require.EqualValues(t, len(r.order), summary.Created)
	require.False(t, *summary.Complete)

	r.before = nil
	landed := summary.Created
	_, summary = run(t, &r, tees(8), cfg)
	require.Equal(t, feed.Counts{Rows: 8, Created: 8 - landed, Unchanged: landed}, *summary.Counts)
	require.True(t, *summary.Complete)
}

func TestWhatTheCatalogueRefusesIsToldWithItsLine(t *testing.T) {
	t.Parallel()
	refusals := map[string]error{
		"tee-1": &product.InvalidError{Faults: []product.Fault{{Field: "name", Code: "too_long", Message: "m"}, {Field: "vendor", Code: "too_long", Message: "n"}}},
		"tee-2": &product.TakenError{Field: "options", Value: "tee", By: some},
		"tee-3": &product.StockError{SKU: "tee-3", Wanted: 2, Available: 1},
	}
	r := recorder{decide: func(_ int, e product.Entry) *product.Outcome {
		if err := refusals[e.Draft.SKU]; err != nil {
			return &product.Outcome{Err: err}
		}
		return nil
	}}
	events, summary := run(t, &r, tees(5), euros())
	require.Equal(t, feed.Counts{Rows: 5, Created: 2, Refused: 3}, *summary.Counts)
	require.Len(t, events, 3)
	require.Equal(t, feed.Event{Kind: feed.EventRefused, Line: 3, SKU: "tee-1", Field: "name", Code: "too_long", Message: "m",
		More: []feed.Fault{{Field: "vendor", Code: "too_long", Message: "n"}}}, events[0])
	require.Equal(t, "options", events[1].Field)
	require.Contains(t, events[1].Message, some.String())
	require.Equal(t, "stock", events[2].Field)
	require.Equal(t, 5, events[2].Line)
}

func TestPassingTroubleIsWaitedOut(t *testing.T) {
	t.Parallel()
	for _, trouble := range []error{product.ErrBusy, product.ErrOverloaded, product.ErrOutcomeUnknown} {
		synctest.Test(t, func(t *testing.T) {
			r := recorder{decide: func(batch int, e product.Entry) *product.Outcome {
				if batch <= 3 && e.Draft.SKU == "tee-1" {
					return &product.Outcome{Err: trouble}
				}
				return nil
			}}
			events, summary := run(t, &r, tees(3), euros())
			require.Empty(t, events)
			require.Equal(t, feed.Counts{Rows: 3, Created: 3}, *summary.Counts)
			require.Equal(t, []int{3, 1, 1, 1}, r.batches, "only what is left is tried again")
		})
	}
}

func TestTroubleThatStays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		trouble error
		kind    feed.EventKind
		code    string
		landed  int64
	}{
		{product.ErrBusy, feed.EventRefused, "busy", 2},
		{product.ErrOverloaded, feed.EventFailed, "overloaded", 2},
		{product.ErrOutcomeUnknown, feed.EventFailed, "outcome_unknown", 2},
		{product.ErrClosed, feed.EventFailed, "closed", 2},
		{errors.New("what is this"), feed.EventFailed, "internal", 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := recorder{decide: func(_ int, e product.Entry) *product.Outcome {
				if e.Draft.SKU == "tee-1" {
					return &product.Outcome{Err: c.trouble}
				}
				return nil
			}}
			start := time.Now()
			events, summary := run(t, &r, tees(3), euros())
			require.Less(t, time.Since(start), 10*time.Second)
			last := events[len(events)-1]
			require.Equal(t, c.kind, last.Kind)
			require.Equal(t, c.code, last.Code)
			require.Equal(t, 3, last.Line)
			require.Equal(t, c.landed, summary.Created)
			require.Equal(t, c.kind == feed.EventRefused, *summary.Complete)
		})
	}
}

func TestProgressIsToldEverySecondWhileTheCatalogueWorks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := recorder{before: func(string) error {
			time.Sleep(2500 * time.Millisecond)
			return nil
		}}
		cfg := feed.Config{Format: feed.Shopify, Currency: "EUR", BatchSize: 2}
		last := time.Now()
		progress := 0
		for e := range feed.Import(t.Context(), &r, strings.NewReader(tees(8)), cfg) {
			require.LessOrEqual(t, time.Since(last), time.Second)
			last = time.Now()
			if e.Kind == feed.EventProgress {
				progress++
				require.NotZero(t, e.Rows)
			}
		}
		require.Equal(t, 5, progress)
	})
}

// stalling is a reader that lets itself be waited for before each of its pieces.
type stalling struct {
	pause  time.Duration
	pieces []string
}

func (s *stalling) Read(p []byte) (int, error) {
	time.Sleep(s.pause)
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.pieces[0])
	s.pieces = s.pieces[1:]
	return n, nil
}

func TestProgressIsToldEverySecondWhileTheFileStalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := euros()
		cfg.ProgressEvery = 0
		file := stalling{2500 * time.Millisecond, []string{"Handle,Title,", "Variant Price\na,A,1\nb,B,", "1\n"}}
		last, progress := time.Now(), 0
		for e := range feed.Import(t.Context(), &recorder{}, &file, cfg) {
			require.LessOrEqual(t, time.Since(last), time.Second)
			last = time.Now()
			if e.Kind == feed.EventProgress {
				progress++
			} else {
				require.EqualValues(t, 2, e.Created)
			}
		}
		require.GreaterOrEqual(t, progress, 10)
	})
}

func TestAnImportThatIsToEndReadsNoFurther(t *testing.T) {
	t.Parallel()
	file := func() *stalling { return &stalling{1500 * time.Millisecond, []string{tees(2), tees(2), tees(2)}} }
	cfg := euros()
	cfg.ProgressEvery = 0
	synctest.Test(t, func(t *testing.T) {
		f := file()
		for e := range feed.Import(t.Context(), &recorder{}, f, cfg) {
			require.Equal(t, feed.EventProgress, e.Kind)
			break
		}
		require.Len(t, f.pieces, 2, "only the Read under way was waited for")
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		f := file()
		var last []feed.Event
		for e := range feed.Import(ctx, &recorder{}, f, cfg) {
			last = append(last, e)
		}
		require.Len(t, f.pieces, 1)
		require.Equal(t, "canceled", last[len(last)-2].Code)
		require.ErrorIs(t, last[len(last)-2].Err, context.DeadlineExceeded)
	})
}

func TestACancelledImportEndsAfterTheBatchesUnderWay(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r := recorder{before: func(string) error { cancel(); return nil }}
	cfg := euros()
	cfg.BatchSize = 2
	var events []feed.Event
	for e := range feed.Import(ctx, &r, strings.NewReader(tees(12)), cfg) {
		events = append(events, e)
	}
	require.LessOrEqual(t, len(r.batches), 2)
	require.Len(t, events, 2)
	require.Equal(t, "canceled", events[0].Code)
	require.ErrorIs(t, events[0].Err, context.Canceled)
	require.EqualValues(t, 2*len(r.batches), events[1].Created, "what was under way landed and is counted")
}

func TestBreakingOffEndsTheImport(t *testing.T) {
	t.Parallel()
	var r recorder
	cfg := euros()
	cfg.BatchSize = 1
	for e := range feed.Import(t.Context(), &r, strings.NewReader(sheet("Handle,Title,Variant Price", "a,A,1", "b,B,x", "c,C,1")), cfg) {
		require.Equal(t, feed.EventRefused, e.Kind)
		break
	}
	require.Equal(t, []string{"a"}, r.order)
}

func TestAStreamThatBreaksOffLeavesTheUnfinishedHandleOut(t *testing.T) {
	t.Parallel()
	var r recorder
	file := io.MultiReader(strings.NewReader(tees(3)+"tee-3,T,"), iotest.ErrReader(io.ErrUnexpectedEOF))
	var events []feed.Event
	for e := range feed.Import(t.Context(), &r, file, euros()) {
		events = append(events, e)
	}
	require.Equal(t, []string{"tee-0", "tee-1"}, r.order, "tee-2 might have further rows")
	require.Len(t, events, 2)
	require.Equal(t, "read", events[0].Code)
	require.ErrorIs(t, events[0].Err, io.ErrUnexpectedEOF)
	require.False(t, *events[1].Complete)
}

func TestEventsHaveAStableJSONForm(t *testing.T) {
	t.Parallel()
	complete := true
	for want, e := range map[string]feed.Event{
		`{"event":"progress","rows":3,"created":1,"updated":0,"unchanged":1,"refused":1,"warnings":0}`: {
			Kind: feed.EventProgress, Counts: &feed.Counts{Rows: 3, Created: 1, Unchanged: 1, Refused: 1}},
		`{"event":"refused","line":7,"sku":"A","field":"price","code":"format","message":"m","more":[{"field":"name","code":"required","message":"n"}]}`: {
			Kind: feed.EventRefused, Line: 7, SKU: "A", Field: "price", Code: "format", Message: "m", More: []feed.Fault{{Field: "name", Code: "required", Message: "n"}}},
		`{"event":"summary","rows":0,"created":0,"updated":0,"unchanged":0,"refused":0,"warnings":0,"complete":true}`: {
			Kind: feed.EventSummary, Counts: &feed.Counts{}, Complete: &complete, Err: io.EOF},
	} {
		got, err := json.Marshal(e)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(tees(2)))
	f.Add([]byte("\ufeffHandle,Title,Variant Price,Option1 Name,Option1 Value,Tags,Variant Barcode\r\na,\"A\"\"B\",1,Size,S,\"x, y\",'4006381333931\r\na,,2,,M,,\r\n"))
	f.Add([]byte("Handle,Title,Variant Price,Image Src\na,\"A\nb\",1,https://a.example/1.png\na,,,https://a.example/2.png\nb,5\" nail,1,\n"))
	f.Add([]byte("Handle,Title,Price\r0"))
	f.Fuzz(func(t *testing.T, file []byte) {
		var r recorder
		cfg := euros()
		cfg.MaxRecordBytes = 256
		cfg.BatchSize = 3
		var last feed.Event
		var refused int64
		for e := range feed.Import(t.Context(), &r, bytes.NewReader(file), cfg) {
			last = e
			if e.Kind == feed.EventRefused {
				refused++
				if e.Line < 1 || e.Message == "" || e.Code == "" {
					t.Errorf("an event without line, code or message: %+v", e)
				}
			}
		}
		if last.Kind != feed.EventSummary || last.Refused != refused {
			t.Fatalf("the last event is %+v, after %d refusals", last, refused)
		}
		if last.Created+last.Updated+last.Unchanged+last.Refused > last.Rows {
			t.Fatalf("more came out than went in: %+v", *last.Counts)
		}
		if bytes.Count(file, []byte("\r")) != bytes.Count(file, []byte("\r\n")) || bytes.IndexByte(file, 0) >= 0 {
			return // encoding/csv knows neither the line ends of old Macs nor UTF-16
		}
		whole := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\ufeff"))))
		whole.FieldsPerRecord = -1
		if records, err := whole.ReadAll(); err == nil && last.Rows > 0 && last.Rows != int64(len(records)-1) {
			t.Errorf("cut into %d records, of which encoding/csv reads %d", last.Rows, len(records)-1)
		}
		for sku, e := range r.entries {
			// A SKU that the file gives is the catalogue's to judge; those made here are always good.
			if !product.ValidSKU(sku) && !bytes.Contains(bytes.ToLower(file), []byte("sku")) {
				t.Errorf("made the SKU %q", sku)
			}
			if e.Draft.Name == "" || e.Draft.Group == "" || e.Draft.Price.Currency != "EUR" {
				t.Errorf("an incomplete product: %+v", e.Draft)
			}
		}
	})
}
