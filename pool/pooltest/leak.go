package pooltest

import (
	"context"
	"testing"
	"time"

	"github.com/productkit-go/productkit/pool"
)

// NoLeaks shuts p down when the test ends and fails the test if a connection is
// still held five seconds later: rows not closed, a transaction forgotten.
func NoLeaks(t testing.TB, p *pool.Pool) {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := p.Shutdown(ctx); err != nil {
			t.Errorf("pooltest: connections leaked: %v", err)
		}
	})
}
