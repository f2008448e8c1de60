// Package pool keeps a handful of MySQL connections serving any load, beneath a
// plain *sql.DB.
//
//	p, err := pool.Open(ctx, pool.Config{DSN: os.Getenv("DATABASE_URL")})
//	…
//	defer p.Shutdown(ctx)
//	db := p.DB() // *sql.DB: squirrel, sqlx, sqlc and ORMs work as ever
//
// database/sql asks the pool for a connection for each operation and gives it
// back afterwards; it keeps none itself. The pool bounds how many there are, how
// long a caller waits, how long a connect may take, and what a cancelled
// statement may leave behind on the server.
//
// # What it promises
//
//   - The server never sees more than MaxConns + MaxOverflow connections and one
//     for the health lane, cancelled statements included: a connection whose
//     call was cancelled keeps its place until the server has ended it, or for
//     1 s (then Stats.Abandoned counts it). This needs a straight connection to
//     the server; behind a proxy that hands out connection IDs of its own it is
//     off.
//   - Every caller is answered by its context's deadline or AcquireTimeout, with
//     an error that says what the pool looked like ([AcquireError]).
//   - A server that accepts and says nothing, refuses, or has no connections
//     left costs bounded time, is not stormed, and is used again within about a
//     second of its recovery.
//   - Connections that broke while idle are found before use: by the driver's
//     socket check always, by a ping after PingAfterIdle or once any connection
//     broke.
//   - A caller that gives up does not waste the connect that was under way.
//
// # Tuning
//
// Leave everything at zero first. Then, in this order:
//
//   - MaxConns: what is needed is queries per second × seconds per query, plus
//     the same for transactions with their whole time between begin and commit.
//     2,000 point reads a second of 1 ms each keep 2 connections busy. More
//     connections than the server has cores to serve make it slower. Raise it
//     when Stats().Wait grows while Hold is short; when Hold is long, shorten
//     that instead.
//   - MaxOverflow takes bursts. If Closes[CloseOverflow] grows all day, the burst
//     is the load: raise MaxConns.
//   - All processes together must fit: instances (and those of a rolling
//     deployment) × (MaxConns + MaxOverflow + 1) below the server's
//     max_connections, less some for people and replicas.
//   - AcquireTimeout: below the time in which your callers give up, or they
//     leave first and never learn why.
//   - MaxLifetime: below the server's wait_timeout and below the time in which a
//     changed DNS entry must be followed.
//   - MaxIdleTime: below the idle timeout of any NAT, proxy or balancer between.
//   - PingAfterIdle: a nanosecond (always) costs one round trip a statement and
//     finds what the socket check cannot see, such as a peer behind a proxy that
//     died in silence.
//   - MaxUses: off, unless the server leaks memory per connection.
//
// # Errors
//
// errors.Is tells [ErrAcquireTimeout] (busy: retry later, answer 503),
// [ErrQueueFull] (overrun), [ErrDialFailed] (database down) and [ErrClosed]
// (shutting down) apart. [Pool.Ping] asks the database over a connection of its
// own, so that "saturated" and "down" are different answers.
//
// # Limits
//
// A statement that the caller prepared itself (sql.DB.Prepare) is prepared again
// on every use. MaxUses and the detection of a read-only server see what runs on
// the connection, not what runs on such a statement.
package pool
