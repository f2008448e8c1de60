package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/httpapi"
	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
	"github.com/productkit-go/productkit/product/storetest"
)

// asRelay makes the test binary the program itself.
const asRelay = "PRODUCTKIT_TEST_RELAY"

func TestMain(m *testing.M) {
	if os.Getenv(asRelay) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// catalogue returns a Service on a new SQLite file, and the file's URL.
func catalogue(t *testing.T) (*product.Service, string) {
	t.Helper()
	url := "sqlite:///" + filepath.Join(t.TempDir(), "shop.db")
	db, closeDB, err := open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, closeDB(context.Background())) })
	return storetest.NewService(t, storeOf(t, db), nil), url
}

func storeOf(t *testing.T, db *sql.DB) product.Store {
	t.Helper()
	require.NoError(t, sqlstore.Migrate(t.Context(), db, nil))
	store, err := sqlstore.New(t.Context(), db, nil)
	require.NoError(t, err)
	return store
}

func draft(sku string) product.Draft {
	return product.Draft{Product: product.Product{SKU: sku, Name: "Name", Price: product.Money{Amount: 1, Currency: "EUR"}}}
}

// child is a relay in a process of its own.
type child struct {
	cmd   *exec.Cmd
	lines *bufio.Reader
}

func start(t *testing.T, url, position string, flags ...string) *child {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append(flags, "-position", position)...)
	cmd.Env = append(os.Environ(), asRelay+"=1", "DATABASE_URL="+url)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return &child{cmd, bufio.NewReader(out)}
}

// next returns the next change that was delivered; none when the process has ended.
func (c *child) next(t *testing.T) (product.Seq, bool) {
	line, err := c.lines.ReadBytes('\n')
	if err != nil {
		return 0, false // what a killed process was writing counts as not delivered
	}
	var change struct{ Seq product.Seq }
	require.NoError(t, json.Unmarshal(line, &change))
	return change.Seq, true
}

func TestEveryChangeIsRelayedInOrderWhateverIsKilled(t *testing.T) {
	t.Parallel()
	svc, url := catalogue(t)
	changes := testscale.N(200, 2000)
	written := make(chan error, 1)
	go func() {
		for i := range changes {
			if _, err := svc.Create(t.Context(), draft(fmt.Sprint("P", i))); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()

	position := filepath.Join(t.TempDir(), "position")
	random := rand.New(rand.NewPCG(1, 2))
	last, starts := product.Seq(0), 0
	for last < product.Seq(changes) {
		starts++
		relay := start(t, url, position)
		for life := random.IntN(40); life > 0 && last < product.Seq(changes); life-- {
			seq, ok := relay.next(t)
			require.True(t, ok, "it ended by itself")
			require.LessOrEqual(t, seq, last+1, "a change is missing")
			last = max(last, seq)
		}
		require.NoError(t, relay.cmd.Process.Signal(syscall.SIGKILL))
		for seq, ok := relay.next(t); ok; seq, ok = relay.next(t) { // what was in the pipe
			require.LessOrEqual(t, seq, last+1, "a change is missing")
			last = max(last, seq)
		}
		_ = relay.cmd.Wait() // killed
	}
	require.NoError(t, <-written)
	require.Greater(t, starts, 3)
	t.Logf("%d changes in %d lives", changes, starts)

	relay := start(t, url, position)
	_, err := svc.Create(t.Context(), draft("last"))
	require.NoError(t, err)
	for seq := product.Seq(0); seq <= last; {
		var ok bool
		seq, ok = relay.next(t)
		require.True(t, ok)
	}
	require.NoError(t, relay.cmd.Process.Signal(syscall.SIGTERM))
	_, ok := relay.next(t)
	require.False(t, ok)
	require.NoError(t, relay.cmd.Wait(), "it was told to stop")
}

func TestACatalogueIsFollowedOverHTTP(t *testing.T) {
	t.Parallel()
	svc, _ := catalogue(t)
	h, err := httpapi.NewHandler(svc, nil)
	require.NoError(t, err)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	t.Cleanup(h.Drain)
	position := filepath.Join(t.TempDir(), "position")
	for want := product.Seq(1); want <= 3; want++ {
		_, err := svc.Create(t.Context(), draft(fmt.Sprint("P", want)))
		require.NoError(t, err)
		relay := start(t, "", position, "-server", server.URL)
		seq, ok := relay.next(t)
		require.True(t, ok)
		require.Equal(t, want, seq)
		require.NoError(t, relay.cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, relay.cmd.Wait())
	}
}

func TestAFailedDeliveryIsTriedAgainAndHoldsUpTheNext(t *testing.T) {
	t.Parallel()
	svc, _ := catalogue(t)
	for i := range 3 {
		_, err := svc.Create(t.Context(), draft(fmt.Sprint("P", i)))
		require.NoError(t, err)
	}
	at := position(filepath.Join(t.TempDir(), "position"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []product.Seq
	r := relay{catalogue: svc, position: at, log: slog.New(slog.DiscardHandler), deliver: func(_ context.Context, c product.Change) error {
		got = append(got, c.Seq)
		switch {
		case len(got) == 2:
			return errors.New("the receiver is away")
		case c.Seq == 3:
			cancel()
		}
		return nil
	}}
	require.NoError(t, r.run(ctx))
	require.Equal(t, []product.Seq{1, 2, 2, 3}, got)
	stored, err := at.load()
	require.NoError(t, err)
	require.EqualValues(t, 3, stored)
}

func TestItDoesNotGoOnFromAPositionThatIsWrong(t *testing.T) {
	t.Parallel()
	_, url := catalogue(t)
	file := filepath.Join(t.TempDir(), "position")
	for text, want := range map[string]string{"nonsense": "holds no number", "17": "the feed ends at 0"} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		var out bytes.Buffer
		require.Equal(t, 1, run(t.Context(), []string{"-position", file}, url, io.Discard, &out))
		require.Contains(t, out.String(), want)
	}
	require.Equal(t, 2, run(t.Context(), nil, "", io.Discard, io.Discard))
	require.Equal(t, 2, run(t.Context(), []string{"-nonsense"}, url, io.Discard, io.Discard))
	require.Equal(t, 0, run(t.Context(), []string{"-h"}, url, io.Discard, io.Discard))
}

func TestThePauseEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		sleep(ctx, time.Hour)
		require.Equal(t, time.Second, time.Since(begin))
	})
}
