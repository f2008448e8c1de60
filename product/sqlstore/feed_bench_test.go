package sqlstore_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

// BenchmarkFollowed shows what followers cost the writers: with three on the writers' own Service,
// and with three on instances of their own.
func BenchmarkFollowed(b *testing.B) {
	benchEach(b, func(b *testing.B, e engine) {
		for _, kind := range []string{"by nobody", "by 3 on the same instance", "by 3 on other instances"} {
			b.Run(kind, func(b *testing.B) {
				store := migrated(b, e.open(b), &sqlstore.Options{TablePrefix: fmt.Sprintf("f%d_%d_", len(kind), b.N)})
				writers := product.NewService(store, nil)
				defer func() { require.NoError(b, writers.Close(context.Background())) }()
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				var followers sync.WaitGroup
				followers3 := func(svc *product.Service) {
					followers.Go(func() {
						n := 0
						for _, err := range svc.Follow(ctx, 0) {
							if n++; err != nil || n == b.N {
								return
							}
						}
					})
				}
				for range 3 {
					switch kind {
					case "by 3 on the same instance":
						followers3(writers)
					case "by 3 on other instances":
						svc := product.NewService(store, nil)
						defer func() { require.NoError(b, svc.Close(context.Background())) }()
						followers3(svc)
					}
				}
				var next atomic.Int64
				var all sync.WaitGroup
				b.ResetTimer()
				for range 64 {
					all.Go(func() {
						for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
							_, err := writers.Create(b.Context(), product.Draft{Product: product.Product{
								SKU: fmt.Sprintf("P-%d", i), Name: "Name", Price: product.Money{Amount: 1, Currency: "EUR"},
							}})
							if err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
				b.StopTimer()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
				begin := time.Now()
				followers.Wait()
				b.ReportMetric(float64(time.Since(begin).Milliseconds()), "lag-ms")
			})
		}
	})
}
