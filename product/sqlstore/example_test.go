package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

func Example() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // each connection would have a database of its own

	if err := sqlstore.Migrate(ctx, db, nil); err != nil {
		log.Fatal(err)
	}
	store, err := sqlstore.New(ctx, db, nil)
	if err != nil {
		log.Fatal(err)
	}
	catalogue := product.NewService(store, nil)
	defer func() { _ = catalogue.Close(ctx) }()

	shirt, err := catalogue.Create(ctx, product.Draft{Product: product.Product{
		SKU: "TSHIRT-RED-M", Name: "T-shirt", Price: product.Money{Amount: 1999, Currency: "EUR"},
	}})
	if err != nil {
		log.Fatal(err)
	}
	stock, err := catalogue.AdjustStock(ctx, shirt.ID, 12, "delivery", product.Expect{})
	if err != nil {
		log.Fatal(err)
	}
	found, err := catalogue.GetBySKU(ctx, "TSHIRT-RED-M")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.Name, found.Price, "version", found.Version, "available", stock.Available())
	// Output: T-shirt 19.99 EUR version 1 available 12
}
