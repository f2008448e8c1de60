package bench

import (
	"database/sql"
	"fmt"
	"net/http"
	"time"

	"github.com/stretchr/testify/require"
)

// besideSlow is the p99 of GET while a search takes two seconds, again and again, against one that
// nothing disturbs.
func (l *lab) besideSlow() (float64, float64) {
	p := l.near()
	calm := l.load(p.ours, get, 32).p99
	defer l.slowSearches(p.ours)()
	return calm, l.load(p.ours, get, 32).p99
}

// slowSearches has one search after the other wait in MySQL until the end of what it returns: another
// holds LOCK TABLES on the words that products are found by. So it is the server's own query that is
// slow, it keeps a connection as any slow query does, and what GET reads is not locked. It takes no
// processor from the others, which a scan would, on a machine of whatever size.
func (l *lab) slowSearches(c contender) (end func()) {
	other, err := l.catalogue().db.DB().Conn(l.Context())
	require.NoError(l, err)
	over, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-over:
				failed <- nil
				return
			default:
			}
			if err := l.slowSearch(c, other); err != nil {
				failed <- err
				return
			}
		}
	}()
	return func() {
		close(over)
		require.NoError(l, <-failed)
		require.NoError(l, other.Close())
	}
}

func (l *lab) slowSearch(c contender, other *sql.Conn) error {
	takes := 2 * time.Second
	if !*full {
		takes = *slice / 2
	}
	if _, err := other.ExecContext(l.Context(), "LOCK TABLES productkit_search WRITE"); err != nil {
		return err
	}
	begun := time.Now()
	unlock := time.AfterFunc(takes, func() { _, _ = other.ExecContext(l.Context(), "UNLOCK TABLES") })
	defer unlock.Stop()
	res, err := http.Get(c.url + "/v1/products?q=77+")
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if took := time.Since(begun); res.StatusCode != http.StatusOK || took < takes {
		return fmt.Errorf("a search that was to take %v: %s after %v", takes, res.Status, took)
	}
	return nil
}
