// Package sqlstore keeps products in MySQL, MariaDB or SQLite through database/sql. [Store]
// implements [product.Store].
//
//	db, err := sql.Open("mysql", dsn)
//	…
//	err = sqlstore.Migrate(ctx, db, nil) // explicitly, and only here
//	…
//	store, err := sqlstore.New(ctx, db, nil)
//	…
//	catalogue := product.NewService(store, nil)
//
// # Servers
//
// MySQL from 8.0 and MariaDB from 10.6. The [sql.DB] may be the host's own, with whatever
// parseTime, loc, clientFoundRows, interpolateParams and collation its data source name sets;
// only charset must be utf8mb4 (the driver's default) and autocommit must be on. [New] looks at
// these and at all other settings that matter: with one that damages what is kept it fails and
// says what to change, and one that only makes the store slow or forgetful is logged. [Store.Abilities] has
// all that was found. interpolateParams=true saves two round trips per statement.
//
// With multiStatements=true a batch of writes costs one round trip, or one more for each look at what
// there is, instead of six to eight: New finds out whether the connections take several statements at once, and
// then all statements of a transaction that return nothing wait for the next one that does, or for COMMIT.
// Values stand in the text as literals that end where they are meant to in every sql_mode. For a host's
// own statements the setting makes an injection worse, so whoever builds those of user input should
// rather do without it, or give the store a [sql.DB] of its own.
//
// Each transaction sets READ COMMITTED for itself, and innodb_lock_wait_timeout for the time
// that it runs; nothing of this is left behind on the host's connections. It begins by turning
// autocommit off and commits by turning it on again, because settings travel in one statement and
// so cost no round trips of their own.
//
// # Lists
//
// A page costs the same wherever it is and however many products there are, if an index has its
// products in its order: every order by itself and together with Status, Published, InStock,
// Currency and Deleted; with Category or Vendor the order of creation; with SKUPrefix, UpdatedSince,
// PriceMin and PriceMax the order by what they limit. InStock, and Status and Published outside of a
// category, pass over what they do not select.
//
// With all other pairs of a filter and an order the engine either walks along the order and passes
// over what the filter does not select, or sorts what the filter's index finds: its statistics say
// which is less. They are Tag, and Group, in any order; Category and Vendor by anything but
// creation; a range by anything but itself; and deleted products by SKU. An index for each pair
// would double what a write costs.
//
// A list by category is merged from those of the categories below it, if they are at most 31. The
// Store remembers which they are, as a guess that the statement itself checks; what it returns is
// always what the database has.
//
// # SQLite
//
// Preparing a statement takes SQLite as long as running it, so the Store keeps the last 100 texts that it
// has read with prepared, on each connection that has run them. They are closed with the connection. On
// servers the pool of this module does so for all statements, or a host's driver in one packet with
// interpolateParams=true.
//
// # Reservations
//
// The reserved stock of a product is the sum of its rows in the table of holds, kept in the row of
// its stock. Both change only under the lock of the product's row. What has expired is subtracted
// by whoever reads the stock, by an index, and removed by the next change of it or by
// [product.Service.Prune].
//
// # Change feed
//
// Reading the feed writes: it gives committed changes their positions, in short transactions that
// lock one row and that no writer waits for. The order of one product's changes is that of an
// AUTO_INCREMENT column that is filled under the product's row lock, so all writers must be on one
// server, or on a cluster that counts as one. While a transaction keeps a
// snapshot open, a look at the feed of MySQL and MariaDB passes over all changes made meanwhile,
// because InnoDB keeps what that transaction might still read: 3 ms for 100,000 of them.
//
// # Search
//
// [product.Query].Text is looked up in the engine's full-text index, InnoDB's or FTS5's, of a table
// of its own, which is written in the transaction of the product. The index holds tokens that
// package searchtext cuts and folds, so nothing depends on the server's language, stopwords or
// parser; New refuses a server whose innodb_ft_min_token_size or innodb_ft_max_token_size would leave
// some out. Attributes are not searched, and of a description only the first 1,000 words.
// Deleted products stay in the index, and are found with [product.Query].Deleted.
//
// What it costs (go test -bench Search ./product/sqlstore, two cores with the servers on them): batches
// of 500 new products were written 1.9 times as fast without it on SQLite, 2.3 times on MySQL 9.7 and
// 2.0 times on MariaDB 10.11. Of 20,000 products a page of those with a common word took 20, 13 and
// 12 ms, with a rare one 6, 2 and 1 ms, with two common ones 25, 56 and 40 ms; it grows with the number
// of products that have the word. A table of one row per word and product, which finds common words
// faster, took five times as long to write. Products whose words stay, as when prices change, cost
// nothing.
// [Options].NoSearch saves all of it. A product that is written with it is not found, also after
// search has been switched on, until its words change.
//
// On MySQL and MariaDB a transaction of the host ([Store.InTx]) finds in a search what was committed
// before, and not what it has changed itself: InnoDB indexes at COMMIT.
//
// # SQLite
//
// SQLite from 3.37 through any driver whose errors have a method Code() int, such as
// modernc.org/sqlite. The data source name should set
//
//	file:catalogue.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)
//
// so that readers do not block writers (WAL), what was acknowledged survives a power cut (FULL)
// and another process's lock is waited for. Writes begin with BEGIN IMMEDIATE whatever _txlock
// says. For a database in memory use ":memory:" and db.SetMaxOpenConns(1), because each
// connection would get a database of its own.
//
// # Errors
//
// Errors match [product.ErrBusy], [product.ErrUnavailable] and [product.ErrOutcomeUnknown], and
// the driver's error as well. They are told apart by number, never by text.
package sqlstore
