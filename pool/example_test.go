package pool_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/productkit-go/productkit/pool"
	"github.com/productkit-go/productkit/pool/pooltest"
)

// A pool is opened once, asked for its *sql.DB, and shut down at the end.
func Example() {
	ctx := context.Background()
	p, err := pool.Open(ctx, pool.Config{
		Connector: new(pooltest.Server).Connector(), // in real life: DSN: os.Getenv("DATABASE_URL")
	})
	if err != nil {
		fmt.Println(err) // a wrong setting; never a database that is down
		return
	}
	defer p.Shutdown(ctx)
	if err := p.Ping(ctx); err != nil {
		fmt.Println("the database does not answer yet:", err)
	}

	var session int
	err = p.DB().QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&session)
	fmt.Println(session > 0, err)
	// Output: true <nil>
}

// The error says whether the pool is busy or the database is down.
func ExampleAcquireError() {
	ctx := context.Background()
	p, _ := pool.Open(ctx, pool.Config{
		Connector:      new(pooltest.Server).Connector(),
		MaxConns:       1,
		MaxOverflow:    -1,
		AcquireTimeout: 10 * time.Millisecond,
	})
	defer p.Shutdown(ctx)
	held, _ := p.DB().Conn(ctx)
	defer held.Close()

	_, err := p.DB().ExecContext(ctx, "DO 1")
	fmt.Println("busy:", errors.Is(err, pool.ErrAcquireTimeout))
	fmt.Println("down:", p.Ping(ctx) != nil)
	var refusal *pool.AcquireError
	if errors.As(err, &refusal) {
		fmt.Println(refusal.State.Busy, "of", refusal.State.Limit, "in use")
	}
	// Output:
	// busy: true
	// down: false
	// 1 of 1 in use
}

// Validate names every fault at once.
func ExampleConfig_Validate() {
	fmt.Println(pool.Config{DSN: "mysql://app:secret@db:port/shop", MinConns: 9}.Validate())
	// Output:
	// pool: DSN cannot be read: the port after the host is not a number from 1 to 65535; if the password holds '@' or '/', percent-encode it
	// pool: MinConns is 9, above MaxConns 5; lower the one or raise the other
}

// The preset of a Python service, on its own URL.
func ExamplePresetAIOMySQL() {
	cfg := pool.PresetAIOMySQL()
	cfg.DSN = "mysql+aiomysql://app:secret@db/shop?charset=utf8mb4"
	fmt.Println(cfg)
	// Output: pool.Config{app@tcp(db:3306)/shop min=1 max=5+0}
}
