package compat_test

import (
	"context"
	"database/sql/driver"
	"testing"
	"time"

	"github.com/XSAM/otelsql"
	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/productkit-go/productkit/internal/mysqltest"
	"github.com/productkit-go/productkit/pool"
)

// traced is what a user gives to Config.Wrap. otelsql wraps drivers, so the connector is dressed up
// as one.
func traced(options ...otelsql.Option) func(driver.Connector) driver.Connector {
	return func(c driver.Connector) driver.Connector {
		wrapped, err := otelsql.WrapDriver(connectorDriver{c}, options...).(driver.DriverContext).OpenConnector("")
		if err != nil {
			return nil
		}
		return wrapped
	}
}

// connectorDriver is a driver with one connector.
type connectorDriver struct{ driver.Connector }

func (d connectorDriver) Open(string) (driver.Conn, error)               { return d.Connect(context.Background()) }
func (d connectorDriver) OpenConnector(string) (driver.Connector, error) { return d.Connector, nil }

func TestOtelsqlTracesWhatReallyHappens(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		exporter := tracetest.NewInMemoryExporter()
		provider := trace.NewTracerProvider(trace.WithSyncer(exporter))
		p := open(t, pool.Config{
			DSN:  db.DSN(),
			Wrap: traced(otelsql.WithTracerProvider(provider)),
		})
		ctx, parent := provider.Tracer("test").Start(t.Context(), "request")
		for n := range 5 {
			var got int
			require.NoError(t, p.DB().QueryRowContext(ctx, "SELECT ? + 1", n).Scan(&got))
			require.Equal(t, n+1, got)
		}
		tx, err := p.DB().BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(ctx, "DO 1")
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		_, err = p.DB().ExecContext(ctx, "SELECT nonsense FROM nowhere")
		require.Error(t, err)
		parent.End()

		names := map[string]int{}
		failed := 0
		for _, span := range exporter.GetSpans() {
			names[span.Name]++
			if span.SpanContext.TraceID() != parent.SpanContext().TraceID() {
				continue // the pool's own
			}
			if span.Status.Code == codes.Error {
				failed++
				require.Equal(t, "sql.conn.exec", span.Name)
			}
		}
		require.GreaterOrEqual(t, names["sql.stmt.query"], 1, "from the second use on a statement is prepared")
		require.GreaterOrEqual(t, names["sql.conn.query"]+names["sql.stmt.query"], 5)
		require.LessOrEqual(t, names["sql.conn.prepare"], 2, "once on each connection")
		require.GreaterOrEqual(t, names["sql.conn.exec"], 2)
		require.Equal(t, 1, names["sql.conn.begin_tx"])
		require.Equal(t, 1, names["sql.tx.commit"])
		require.Equal(t, 1, failed)
		require.LessOrEqual(t, names["sql.connector.connect"], 3, "connects are the pool's, not one an operation")
		require.Positive(t, names["sql.connector.connect"])
	})
}

func TestWithOtelsqlCancelledStatementsAreStillEnded(t *testing.T) {
	t.Parallel()
	mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
		p := open(t, pool.Config{
			DSN:  db.DSN(),
			Wrap: traced(),
		})
		require.NoError(t, p.Ping(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := p.DB().ExecContext(ctx, "SELECT BENCHMARK(1000000000000, SHA2('a', 512))")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Eventually(t, func() bool { return p.Stats().Ended == 1 }, 5*time.Second, time.Millisecond)
		require.Zero(t, p.Stats().Abandoned)

		bare, err := mysql.NewConnector(db.Config())
		require.NoError(t, err)
		want, err := bare.Connect(t.Context())
		require.NoError(t, err)
		defer want.Close()
		c, err := p.DB().Conn(t.Context())
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.Raw(func(raw any) error {
			require.IsType(t, want, pool.DriverConn(raw), "through the wrapper")
			return nil
		}))
	})
}
