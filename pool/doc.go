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
//   - When more is asked for than can be done, as many callers are served as
//     ever, soon, and the others are told soon ([ErrOverloaded]).
//   - Who holds a connection and does nothing with it is named.
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
//     that instead. Costs memory and a thread on the server, for ever.
//   - MaxOverflow takes bursts. If Closes[CloseOverflow] grows all day, the burst
//     is the load: raise MaxConns. Costs a connect each time.
//   - MinConns: raise it when the first requests after a quiet night are slow.
//     Costs connections that sleep.
//   - AcquireTimeout: below the time in which your callers give up, or they
//     leave first and never learn why. Costs nothing.
//   - QueueTarget and MaxWaiters: raise QueueTarget when callers would rather be
//     late than refused, switch it off where none of them has a deadline.
//     Without it an overload makes everybody late, not only those too many.
//   - MaxLifetime: below the server's wait_timeout and below the time in which a
//     changed DNS entry must be followed. Costs a connect each; LifetimeJitter
//     keeps them apart.
//   - MaxIdleTime and KeepaliveInterval: one of them below the idle timeout of
//     any NAT, proxy or balancer between. The first costs connects, the other a
//     ping for each idle connection.
//   - PingAfterIdle: a nanosecond (always) costs one round trip a statement and
//     finds what the socket check cannot see, such as a peer behind a proxy that
//     died in silence. PingTimeout: above the worst round trip to a sound server.
//   - StatementCache: raise it when Stats().Statements.Misses keep growing with
//     a fixed set of texts, lower it when the server's Prepared_stmt_count comes
//     near max_prepared_stmt_count. Each statement is kept on the server once for
//     each connection.
//   - ConnectTimeout: above a connect's worst, name resolution and TLS included.
//     A stalled connect keeps a connection's place for so long.
//   - HoldWarning: above your longest transaction's longest pause. Costs about a
//     microsecond for each stack taken, at most 500 in a second.
//   - MaxUses: off, unless the server leaks memory per connection.
//
// # A budget for 3, 30 and 300 instances
//
// All processes together must fit below the server's max_connections, at every
// time, a rolling deployment's included. With the defaults a process opens at
// most MaxConns + MaxOverflow + 1 = 16 connections; [Budget] has the formula and
// says what fits. With a quarter more processes during a deployment and a tenth
// of the server's connections left for people:
//
//	instances  with surge  max_connections  a process may open  so
//	        3           4    151 (default)    (151-15)/4  = 34  the defaults fit
//	       30          38    1,000            900/38      = 23  the defaults fit
//	       30          38    151              136/38      =  3  MaxConns 2, MaxOverflow -1
//	      300         375    2,000            1800/375    =  4  MaxConns 3, MaxOverflow -1
//	      300         375    1,000            900/375     =  2  MaxConns 1, or a proxy
//
// Few connections each are no hardship: at 300 instances each serves a 300th of
// the load. A server runs no more connections at a time than it has cores; where
// instances are many and idle, put a proxy between or run fewer. Prepared statements add up likewise: 300 × 3 × 64
// is above the default max_prepared_stmt_count of 16,382, so that some
// connections would go without; 16 a connection fit.
//
// # When things are slow
//
// Look at [Pool.Stats], in this order, or ask [Pool.Doctor]:
//
//   - Hold long (compare with what the statement takes in a client): the
//     database is slow, or callers do other work while they hold a connection.
//     The log names those with HoldWarning; lower it to find more.
//   - Wait long and Hold short: too few connections. Raise MaxConns if the
//     budget allows; if the server's cores are busy it will not help.
//   - Refused.Overloaded: more work than the connections can do; the same two
//     questions.
//   - Busy at the limit and nothing ends: State.OldestHold, the log, Leaks. Rows
//     that are not closed and forgotten transactions are returned by nobody else.
//   - Dial long or DialFailures: the network, the server's accept queue, DNS.
//     DialErr has the last reason.
//   - Closes by cause: many by lifetime, uses or overflow are connects that cost
//     time; many broken or by ping mean that somebody between ends connections.
//   - Statements.Misses near Hits: texts that differ each time, such as IN lists
//     of any length or values written into the text.
//   - Abandoned: statements that nobody waits for may be running on the server;
//     Lingering: the pool is still trying to end so many of them.
//
// # Errors
//
// errors.Is tells [ErrAcquireTimeout] (busy: retry later, answer 503),
// [ErrQueueFull] and [ErrOverloaded] (overrun: answer 503 at once),
// [ErrDialFailed] (database down) and [ErrClosed] (shutting down) apart.
// [Pool.Ping] asks the database over a connection of its own, so that "saturated"
// and "down" are different answers.
//
// # Limits
//
// Prepared statements keep the database and the SQL mode under which they were
// prepared. The cache forgets them after a USE or a SET of sql_mode that is a
// statement of its own, without arguments; not after one inside a procedure, a
// multi-statement text or sql.Conn.Raw.
package pool
