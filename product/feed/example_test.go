package feed_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"

	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
	"github.com/productkit-go/productkit/product/sqlstore"
)

func Example() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if err := sqlstore.Migrate(ctx, db, nil); err != nil {
		log.Fatal(err)
	}
	store, err := sqlstore.New(ctx, db, nil)
	if err != nil {
		log.Fatal(err)
	}
	catalogue := product.NewService(store, nil)
	defer func() { _ = catalogue.Close(ctx) }()

	file, err := os.Open("testdata/home-and-garden.csv")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for event := range feed.Import(ctx, catalogue, file, feed.Config{Format: feed.Shopify, Currency: "CAD"}) {
		switch event.Kind {
		case feed.EventRefused:
			fmt.Printf("line %d: %s %s\n", event.Line, event.Field, event.Message)
		case feed.EventFailed:
			fmt.Println(event.Message)
		case feed.EventSummary:
			fmt.Printf("%d rows: %d created, %d updated, %d unchanged, %d refused\n",
				event.Rows, event.Created, event.Updated, event.Unchanged, event.Refused)
		}
	}
	sofa, err := catalogue.GetBySKU(ctx, "cream-sofa")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sofa.Name, sofa.Price, sofa.Tags)
	// Output:
	// 21 rows: 21 created, 0 updated, 0 unchanged, 0 refused
	// Cream Sofa 500.00 CAD [Couch Wood]
}
