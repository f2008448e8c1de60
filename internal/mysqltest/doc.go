// Package mysqltest gives a test a fresh database of its own on a real MySQL or MariaDB server.
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(mysqltest.Main(m)) }
//
//	func TestStore(t *testing.T) {
//		t.Parallel()
//		mysqltest.Each(t, func(t *testing.T, db *mysqltest.Database) {
//			store := open(t, db.DSN())
//			…
//		})
//	}
//
// [New] gives one database, [Each] runs a subtest on every flavour, and [Start] gives a private
// server that the test may kill, pause and restart.
//
// # Where servers come from
//
// The first source that has the wanted flavour serves the whole test binary, and every test gets
// its own database there:
//
//  1. TEST_DATABASE_URL, if set: one or more servers separated by spaces, each a
//     go-sql-driver DSN ("root:secret@tcp(127.0.0.1:3306)/") or a URL
//     ("mysql://root:secret@127.0.0.1:3306/"). The user must be allowed to create databases. No
//     other source is asked: a flavour that it does not name is missing.
//  2. Docker, through dockertest: the official images mysql:9.7 and mariadb:10.11.
//  3. A mysqld or mariadbd: on PATH, in /usr/sbin or /usr/local/sbin, or downloaded by "make test"
//     into the module's .cache folder; started on a free loopback port in a temporary folder.
//
// [Start] asks for a local program before Docker, because its servers start faster and receive real
// signals, and does not look at TEST_DATABASE_URL, whose servers are not ours to kill.
//
// A test whose flavour is missing is skipped, and the reason is printed once in capitals; with
// REQUIRE_MYSQL it fails.
//
// # Environment
//
//	TEST_DATABASE_URL        servers to use, see above
//	REQUIRE_MYSQL            "1": both flavours must be there; "mysql" or "mariadb": that one
//	MYSQLTEST_SERVER         server programs to use before any other source, separated like PATH
//	MYSQLTEST_IMAGE, _TAG    image and tag for MySQL (default mysql, 9.7)
//	MYSQLTEST_MARIADB_IMAGE, MYSQLTEST_MARIADB_TAG
//	                         image and tag for MariaDB (default mariadb, 10.11)
//
// # Nothing is left behind
//
// A test binary that panics, runs into its timeout or is killed runs no cleanup. So whatever must
// not outlive it (processes, containers, databases, folders) is on a list that a second process
// holds: the same executable, started again as a reaper, which reads the list from a pipe. The
// kernel closes the pipe when the test binary ends, however it ends, and the reaper removes what is
// still listed. Databases named productkit_test_… that are older than two hours are dropped as
// well, for the case that the whole machine went down.
package mysqltest
