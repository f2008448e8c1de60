package sqlstore_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/productkit-go/productkit/internal/testscale"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
	"github.com/productkit-go/productkit/product/storetest"
)

// cut says where the proxy cuts the connection that carries a COMMIT.
type cut int

const (
	never        cut = iota
	beforeServer     // the server never gets the COMMIT
	atServer         // the server gets it, and whether it has answered by then is open
	afterAnswer      // the server has answered, and the client does not get that
	late             // the client has gone, and looks into it, when the server gets the COMMIT
)

// proxy stands between a client and a server, and cuts connections at COMMIT.
type proxy struct {
	server   string
	listener net.Listener
	cutting  func() cut // asked at each COMMIT
	down     atomic.Bool
	cuts     atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]bool
	all   sync.WaitGroup
}

func newProxy(t testing.TB, server string, cutting func() cut) *proxy {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{server: server, listener: listener, cutting: cutting, conns: map[net.Conn]bool{}}
	p.all.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.mu.Lock()
		for conn := range p.conns {
			_ = conn.Close()
		}
		p.mu.Unlock()
		p.all.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.down.Load() {
			_ = client.Close()
			continue
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		hold := &atomic.Bool{} // answers are no longer relayed
		answered := make(chan struct{}, 1)
		p.all.Go(func() { p.upstream(client, server, hold, answered) })
		p.all.Go(func() { p.downstream(client, server, hold, answered) })
	}
}

// upstream relays packets: 3 bytes of length, 1 of sequence, then the command (MySQL Internals,
// client/server protocol). COM_QUERY is 3.
func (p *proxy) upstream(client, server net.Conn, hold *atomic.Bool, answered <-chan struct{}) {
	defer p.close(client, server)
	header := make([]byte, 4)
	for {
		if _, err := io.ReadFull(client, header); err != nil {
			return
		}
		length := binary.LittleEndian.Uint32([]byte{header[0], header[1], header[2], 0})
		packet := make([]byte, 4+length)
		copy(packet, header)
		if _, err := io.ReadFull(client, packet[4:]); err != nil {
			return
		}
		where := never
		if packet[4] == 3 && isCommit(string(packet[5:])) {
			where = p.cutting()
		}
		if where != never {
			p.cuts.Add(1)
			hold.Store(true)
		}
		if where == beforeServer {
			return
		}
		if where == late {
			p.close(client)
			time.Sleep(rand.N(20 * time.Millisecond)) // to come between any two of the client's next statements
		}
		if _, err := server.Write(packet); err != nil {
			return
		}
		switch where {
		case afterAnswer, late:
			<-answered
			return
		case atServer:
			return
		}
	}
}

func (p *proxy) downstream(client, server net.Conn, hold *atomic.Bool, answered chan<- struct{}) {
	defer p.close(client, server)
	defer close(answered)
	buffer := make([]byte, 32<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil || hold.Load() {
			return
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) close(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
		delete(p.conns, conn)
	}
}

// through returns a Store whose connections go through a proxy, and one that goes straight.
func through(t *testing.T, e engine, cutting func() cut) (*proxy, *sqlstore.Store, *sqlstore.Store) {
	t.Helper()
	plain := migrated(t, e.open(t), nil)
	var p *proxy
	proxied := e.with(t, func(c *mysql.Config) {
		p = newProxy(t, c.Addr, cutting)
		c.Addr = p.listener.Addr().String()
		c.Logger = &mysql.NopLogger{}
	})
	store, err := sqlstore.New(t.Context(), proxied.open(t), nil)
	require.NoError(t, err)
	return p, store, plain
}

func TestNoWriteIsDoubledOrLostWhenCommitsAreCut(t *testing.T) {
	t.Parallel()
	for name, where := range map[string]cut{"before the server": beforeServer, "at the server": atServer, "after the answer": afterAnswer, "late": late} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachWay(t, func(t *testing.T, e engine) {
				cuts := int64(testscale.N(10, 50))
				var commits, done atomic.Int64
				p, store, plain := through(t, e, func() cut {
					if commits.Add(1)%2 == 0 && done.Add(1) <= cuts {
						return where
					}
					return never
				})
				service := storetest.NewService(t, store, nil)
				stock := int64(100_000)
				d := draft("counted")
				d.Stock = &stock
				counted, err := service.Create(t.Context(), d)
				require.NoError(t, err)

				var created, sold atomic.Int64
				var callers errgroup.Group
				for caller := range 4 {
					callers.Go(func() error {
						for i := 0; p.cuts.Load() < cuts; i++ {
							if _, err := service.Create(t.Context(), draft(fmt.Sprintf("SKU-%d-%d", caller, i))); err != nil {
								return err
							}
							created.Add(1)
							if _, err := service.AdjustStock(t.Context(), counted.ID, -1, "sold", product.Expect{}); err != nil {
								return err
							}
							sold.Add(1)
						}
						return nil
					})
				}
				require.NoError(t, callers.Wait(), "every outcome was found out")
				require.Equal(t, cuts, p.cuts.Load())

				for caller := range 4 {
					for i := 0; ; i++ {
						found, err := plain.Find(t.Context(), []product.Key{product.BySKU(fmt.Sprintf("SKU-%d-%d", caller, i))})
						require.NoError(t, err)
						if len(found) == 0 {
							break
						}
						created.Add(-1)
					}
				}
				require.Zero(t, created.Load())
				left, err := plain.Stock(t.Context(), []uuid.UUID{counted.ID}, time.Now())
				require.NoError(t, err)
				require.Equal(t, stock-sold.Load(), left[0].OnHand)
				changes, err := plain.History(t.Context(), counted.ID, nil, 1_000_000)
				require.NoError(t, err)
				require.EqualValues(t, 2+sold.Load(), len(changes), "creation, first stock, and each sale once")
			})
		})
	}
}

func TestAnOutcomeIsUnknownOnlyWhileNobodyCanBeAsked(t *testing.T) {
	t.Parallel()
	for name, where := range map[string]cut{"not committed": beforeServer, "committed": afterAnswer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachWay(t, func(t *testing.T, e engine) {
				var p *proxy
				var armed atomic.Bool
				p, store, plain := through(t, e, func() cut {
					if !armed.CompareAndSwap(true, false) {
						return never
					}
					p.down.Store(true)
					return where
				})
				made := apply(t, store, create(t, "A"))
				armed.Store(true)
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				defer cancel()
				start := time.Now()
				_, err := store.Apply(ctx, product.Batch{Writes: []product.Write{rename(made[0], "B")}})
				require.ErrorIs(t, err, product.ErrOutcomeUnknown)
				require.Less(t, time.Since(start), 2*time.Second)

				p.down.Store(false)
				require.Eventually(t, func() bool { // until the server has noticed
					found, err := plain.Find(t.Context(), []product.Key{product.ByID(made[0].ID)})
					return err == nil && len(found) == 1 && (found[0].SKU == "B") == (where == afterAnswer)
				}, 5*time.Second, 10*time.Millisecond)
				if _, err := store.Apply(t.Context(), product.Batch{Writes: []product.Write{rename(made[0], "C")}}); err != nil {
					require.True(t, errors.Is(err, product.ErrBusy) && where == beforeServer, "%v", err)
				}
			})
		})
	}
}
