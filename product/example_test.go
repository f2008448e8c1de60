package product_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"

	_ "modernc.org/sqlite"

	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/sqlstore"
)

func Example() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", "file:example?mode=memory&cache=shared")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if err := sqlstore.Migrate(ctx, db, nil); err != nil {
		log.Fatal(err)
	}
	store, err := sqlstore.New(ctx, db, nil)
	if err != nil {
		log.Fatal(err)
	}
	svc := product.NewService(store, nil)
	defer svc.Close(ctx)

	stock := int64(2)
	shirt, err := svc.Create(ctx, product.Draft{
		Product: product.Product{SKU: "TSHIRT-RED-M", Name: "T-shirt", Price: product.Money{Amount: 1999, Currency: "EUR"}},
		Stock:   &stock,
	})
	fmt.Println(shirt.SKU, shirt.Price, "version", shirt.Version, err)

	name := "Red T-shirt"
	_, err = svc.Update(ctx, shirt.ID, product.Patch{Name: &name}, product.IfVersion(7))
	fmt.Println(errors.Is(err, product.ErrPreconditionFailed))

	left, err := svc.AdjustStock(ctx, shirt.ID, -2, "order 17", product.Expect{})
	fmt.Println(left.Available(), err)
	_, err = svc.AdjustStock(ctx, shirt.ID, -1, "order 18", product.Expect{})
	fmt.Println(err)

	_, err = svc.AtomicBatch(ctx, []product.Operation{
		product.Update{Key: product.BySKU("TSHIRT-RED-M"), Patch: product.Patch{Group: &name}},
		product.AdjustStock{Key: product.BySKU("TSHIRT-RED-M"), Delta: -1},
	})
	fmt.Println(err) // and the group is as it was
	// Output:
	// TSHIRT-RED-M 19.99 EUR version 1 <nil>
	// true
	// 0 <nil>
	// product: TSHIRT-RED-M has 0 available, 1 wanted
	// operation 1 of the batch: product: TSHIRT-RED-M has 0 available, 1 wanted
}

func ExampleParseMoney() {
	price, err := product.ParseMoney("19.99", "EUR")
	fmt.Println(price.Amount, price, err)
	_, err = product.ParseMoney("19.999", "EUR")
	fmt.Println(err)
	// Output:
	// 1999 19.99 EUR <nil>
	// "19.999" has more than the 2 decimal digits of EUR
}
