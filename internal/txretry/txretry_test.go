package txretry_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/productkit-go/productkit/internal/txretry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWaitsDoubleWithJitterUpToTheMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := txretry.Backoff{First: 10 * time.Millisecond, Max: 60 * time.Millisecond}
		for _, most := range []time.Duration{10, 20, 40, 60, 60} {
			most *= time.Millisecond
			start := time.Now()
			require.NoError(t, b.Wait(t.Context()))
			waited := time.Since(start)
			require.GreaterOrEqual(t, waited, most/2)
			require.LessOrEqual(t, waited, most)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		b := txretry.Backoff{First: time.Hour, Max: time.Hour}
		start := time.Now()
		require.ErrorIs(t, b.Wait(ctx), context.DeadlineExceeded)
		require.Equal(t, time.Millisecond, time.Since(start))
	})
}

func ExampleBackoff() {
	var backoff txretry.Backoff
	for attempt := 1; ; attempt++ {
		if number := uint16(txretry.Deadlock); attempt == 3 || !txretry.Retryable(number) {
			fmt.Println("attempts:", attempt)
			return
		}
		if err := backoff.Wait(context.Background()); err != nil {
			return
		}
	}
	// Output: attempts: 3
}
