package feed

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkReader is rows of CSV on their way to be entries.
func BenchmarkReader(b *testing.B) {
	const header = "sku,name,price,currency,description,status,category,tags,vendor,stock\n"
	const line = "S-%d,\"A lamp for the table, number 1\",19.99,EUR,\"It stands on three legs, takes bulbs of up to 40 W.\",active,apparel/1,men;new,Acme,12\n"
	file := header
	for i := range 1000 {
		file += fmt.Sprintf(line, i)
	}
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		s, err := openSheet(strings.NewReader(file), Config{}.WithDefaults())
		require.NoError(b, err)
		rows := 0
		for it := range s.items() {
			if it.faults == nil {
				rows++
			}
		}
		require.Equal(b, 1000, rows)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/row")
}
