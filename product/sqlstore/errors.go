package sqlstore

import (
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"

	"github.com/productkit-go/productkit/internal/txretry"
	"github.com/productkit-go/productkit/product"
)

// byNumber says what the errors of MySQL and MariaDB mean (MySQL Error Reference, MariaDB Error
// Codes). Numbers that are not here are nobody's but ours: a mistake in a statement.
var byNumber = map[uint16]error{
	txretry.LockWaitTimeout: product.ErrBusy, // MariaDB's answer to NOWAIT as well
	txretry.Deadlock:        product.ErrBusy,
	3572:                    product.ErrBusy, // ER_LOCK_NOWAIT
	1020:                    product.ErrBusy, // ER_CHECKREAD: MariaDB's snapshot isolation, from 11.6

	1040: product.ErrUnavailable, // ER_CON_COUNT_ERROR: too many connections
	1041: product.ErrUnavailable, // ER_OUT_OF_RESOURCES
	1042: product.ErrUnavailable, // ER_BAD_HOST_ERROR
	1043: product.ErrUnavailable, // ER_HANDSHAKE_ERROR
	1044: product.ErrUnavailable, // ER_DBACCESS_DENIED_ERROR
	1045: product.ErrUnavailable, // ER_ACCESS_DENIED_ERROR
	1049: product.ErrUnavailable, // ER_BAD_DB_ERROR
	1053: product.ErrUnavailable, // ER_SERVER_SHUTDOWN
	1080: product.ErrUnavailable, // ER_FORCING_CLOSE
	1129: product.ErrUnavailable, // ER_HOST_IS_BLOCKED
	1130: product.ErrUnavailable, // ER_HOST_NOT_PRIVILEGED
	1152: product.ErrUnavailable, // ER_ABORTING_CONNECTION
	1158: product.ErrUnavailable, // ER_NET_READ_ERROR
	1159: product.ErrUnavailable, // ER_NET_READ_INTERRUPTED
	1160: product.ErrUnavailable, // ER_NET_ERROR_ON_WRITE
	1161: product.ErrUnavailable, // ER_NET_WRITE_INTERRUPTED
	1184: product.ErrUnavailable, // ER_NEW_ABORTING_CONNECTION
	1203: product.ErrUnavailable, // ER_TOO_MANY_USER_CONNECTIONS
	1226: product.ErrUnavailable, // ER_USER_LIMIT_REACHED
	1927: product.ErrUnavailable, // MariaDB's ER_CONNECTION_KILLED
	2006: product.ErrUnavailable, // CR_SERVER_GONE_ERROR, from a proxy
	2013: product.ErrUnavailable, // CR_SERVER_LOST, from a proxy
	4031: product.ErrUnavailable, // ER_CLIENT_INTERACTION_TIMEOUT

	1021: product.ErrUnavailable, // ER_DISK_FULL
	1114: product.ErrUnavailable, // ER_RECORD_FILE_FULL
	1290: product.ErrUnavailable, // ER_OPTION_PREVENTS_STATEMENT: read_only
	1317: product.ErrUnavailable, // ER_QUERY_INTERRUPTED
	1792: product.ErrUnavailable, // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
	1836: product.ErrUnavailable, // ER_READ_ONLY_MODE
	1969: product.ErrUnavailable, // MariaDB's ER_STATEMENT_TIMEOUT
	3024: product.ErrUnavailable, // ER_QUERY_TIMEOUT
}

// bySQLite says what SQLite's primary result codes mean (sqlite.org/rescode.html).
var bySQLite = map[int]error{
	5:  product.ErrBusy,        // SQLITE_BUSY: another process or connection
	6:  product.ErrBusy,        // SQLITE_LOCKED: another connection of a shared cache
	7:  product.ErrUnavailable, // SQLITE_NOMEM
	8:  product.ErrUnavailable, // SQLITE_READONLY
	9:  product.ErrUnavailable, // SQLITE_INTERRUPT: the context ended
	10: product.ErrUnavailable, // SQLITE_IOERR
	11: product.ErrUnavailable, // SQLITE_CORRUPT
	13: product.ErrUnavailable, // SQLITE_FULL
	14: product.ErrUnavailable, // SQLITE_CANTOPEN
	26: product.ErrUnavailable, // SQLITE_NOTADB
}

const (
	mysqlReadOnly        = 1290 // ER_OPTION_PREVENTS_STATEMENT
	mysqlReadOnlyTx      = 1792 // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
	mysqlReadOnlyMode    = 1836 // ER_READ_ONLY_MODE
	sqliteReadOnly       = 8    // SQLITE_READONLY
	mysqlDuplicate       = 1062 // ER_DUP_ENTRY
	mysqlDuplicateCase   = 1586 // ER_DUP_ENTRY_WITH_KEY_NAME
	mysqlNoSuchTable     = 1146 // ER_NO_SUCH_TABLE
	mysqlUnknownColumn   = 1054 // ER_BAD_FIELD_ERROR
	sqliteError          = 1    // SQLITE_ERROR: in a fixed statement, a table or column is missing
	sqliteConstraintPK   = 1555 // SQLITE_CONSTRAINT_PRIMARYKEY
	sqliteConstraintUniq = 2067 // SQLITE_CONSTRAINT_UNIQUE
)

func mysqlNumber(err error) uint16 {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return e.Number
	}
	return 0
}

// sqliteCode returns the extended result code of a SQLite driver's error, 0 for other errors.
func sqliteCode(err error) int {
	var e interface {
		error
		Code() int
	}
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// classify adds the sentinel that an error of the driver stands for. An error without a number
// comes from between here and the server, so the database is unavailable: a broken connection,
// a pool that gave none, a context that ended.
func classify(err error) error {
	if err == nil || errors.Is(err, product.ErrBusy) || errors.Is(err, product.ErrUnavailable) || errors.Is(err, errOurs) {
		return err
	}
	var sentinel error
	if number := mysqlNumber(err); number != 0 {
		sentinel = byNumber[number]
	} else if code := sqliteCode(err); code != 0 {
		sentinel = bySQLite[code&0xff]
	} else if !errors.Is(err, mysql.ErrPktTooLarge) {
		sentinel = product.ErrUnavailable
	}
	if sentinel == nil {
		return fmt.Errorf("sqlstore: %w", err)
	}
	return fmt.Errorf("%w: %w", sentinel, err)
}

// errOurs marks what is wrong here and not with the database.
var errOurs = errors.New("sqlstore")

// readOnly reports whether the database may not be written to, such as a replica.
func readOnly(err error) bool {
	number := mysqlNumber(err)
	return number == mysqlReadOnly || number == mysqlReadOnlyTx || number == mysqlReadOnlyMode || sqliteCode(err)&0xff == sqliteReadOnly
}

// duplicate reports whether a unique key refused a row.
func duplicate(err error) bool {
	number, code := mysqlNumber(err), sqliteCode(err)
	return number == mysqlDuplicate || number == mysqlDuplicateCase || code == sqliteConstraintPK || code == sqliteConstraintUniq
}

func missingTable(err error) bool {
	number := mysqlNumber(err)
	return number == mysqlNoSuchTable || number == mysqlUnknownColumn || sqliteCode(err) == sqliteError
}

// lost reports whether the connection is gone, and with it whatever had not been committed.
func lost(err error) bool {
	if errors.Is(err, driver.ErrBadConn) {
		return true
	}
	return mysqlNumber(err) == 0 && sqliteCode(err) == 0 && errors.Is(classify(err), product.ErrUnavailable)
}
