package product_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/storetest"
)

func benchDraft() product.Draft {
	d := draft("TSHIRT-RED-M")
	d.Description, d.Category, d.Vendor = "A shirt of cotton", "apparel/shirts", "Acme"
	d.Tags, d.Barcode, d.Status = []string{"men", "new"}, "4006381333931", product.StatusActive
	return d
}

func BenchmarkValidate(b *testing.B) {
	d := benchDraft()
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Validate(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCursor(b *testing.B) {
	q := product.Query{Sort: product.SortName, Category: "apparel", Status: product.StatusActive, Limit: 20}
	p := benchDraft().Product
	p.ID, p.CreatedAt = uuid.Must(uuid.NewV7()), time.Now()
	b.Run("make", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			product.CursorOf(&q, &p)
		}
	})
	b.Run("parse", func(b *testing.B) {
		q.Cursor = product.CursorOf(&q, &p)
		b.ReportAllocs()
		for b.Loop() {
			if err := product.ParseCursor(&q); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCoalescer is what folding costs a caller, with SQLite behind it: alone, and among
// many.
func BenchmarkCoalescer(b *testing.B) {
	store := newStore(b)
	svc := storetest.NewService(b, store, nil)
	p, err := svc.Create(b.Context(), benchDraft())
	require.NoError(b, err)
	b.Run("store", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := store.Find(b.Context(), []product.Key{product.ByID(p.ID)})
			require.NoError(b, err)
		}
	})
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := svc.Get(b.Context(), p.ID)
			require.NoError(b, err)
		}
	})
	b.Run("among 128", func(b *testing.B) {
		b.SetParallelism(64) // on two processors
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, err := svc.Get(b.Context(), p.ID)
				require.NoError(b, err)
			}
		})
	})
}
