package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/productkit-go/productkit/internal/txretry"
	"github.com/productkit-go/productkit/product"
)

// sessionLock lets one process migrate at a time; it is goose's interface lock.SessionLocker.
type sessionLock interface {
	SessionLock(ctx context.Context, conn *sql.Conn) error
	SessionUnlock(ctx context.Context, conn *sql.Conn) error
}

// unlockTimeout bounds the release of a lock, which goose calls without a deadline.
const unlockTimeout = 10 * time.Second

// serverLock is GET_LOCK on the connection that migrates. The server releases it when that
// connection ends, however it ends.
type serverLock struct {
	prefix string
	wait   time.Duration
	name   string
}

// SessionLock waits in steps of a second, for a longer answer would run into the host's
// readTimeout.
func (l *serverLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	var schema string
	if err := conn.QueryRowContext(ctx, "SELECT DATABASE()").Scan(&schema); err != nil {
		return classify(err)
	}
	// Names of locks hold for the whole server and have at most 64 characters.
	l.name = fmt.Sprintf("productkit:%.20x", sha256.Sum256([]byte(schema+"/"+l.prefix)))
	start := time.Now()
	for {
		var got sql.NullInt64
		if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 1)", l.name).Scan(&got); err != nil {
			return classify(err)
		}
		switch {
		case got.Int64 == 1:
			return nil
		case !got.Valid:
			return errors.New("sqlstore: the server failed to take the lock for migrations (GET_LOCK returned NULL)")
		case l.wait > 0 && time.Since(start) >= l.wait:
			return stillMigrating(l.wait, fmt.Errorf("lock %s is held", l.name))
		}
	}
}

// SessionUnlock throws the connection away if it cannot release the lock, or the lock would
// stay with a connection in the host's pool.
func (l *serverLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, unlockTimeout)
	defer cancel()
	var released sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT RELEASE_LOCK(?)", l.name).Scan(&released); err != nil {
		return discard(conn, err)
	}
	return nil
}

// fileLock is SQLite's own write lock: everything happens in one transaction. Committing it is
// right after a failure too, for a statement that failed has undone itself and those before it
// are complete and recorded.
type fileLock struct {
	wait time.Duration
}

func (l *fileLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	err := whileFileBusy(ctx, l.wait, func(wait context.Context) error {
		_, err := conn.ExecContext(wait, "BEGIN IMMEDIATE")
		return err
	})
	if err != nil {
		return discard(conn, err)
	}
	return nil
}

func (l *fileLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, unlockTimeout)
	defer cancel()
	if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
		return discard(conn, err)
	}
	return nil
}

// whileFileBusy repeats what another process's hold on a SQLite file made fail, for as long as
// wait (not above 0: forever). BEGIN is not all that can fail by that: opening a new file that
// another process is just turning into WAL is refused at once, whatever busy_timeout says
// (sqlite.org/c3ref/busy_handler.html).
func whileFileBusy(ctx context.Context, wait time.Duration, try func(wait context.Context) error) error {
	waiting, cancel := ctx, context.CancelFunc(func() {})
	if wait > 0 {
		waiting, cancel = context.WithTimeout(ctx, wait)
	}
	defer cancel()
	backoff := txretry.Backoff{Max: 100 * time.Millisecond}
	for {
		err := try(waiting)
		code := sqliteCode(err) & 0xff
		busy := code == 5 || code == 6 // SQLITE_BUSY, SQLITE_LOCKED
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil, !busy && waiting.Err() == nil:
			return classify(err)
		case backoff.Wait(waiting) != nil:
			return stillMigrating(wait, err)
		}
	}
}

func stillMigrating(wait time.Duration, cause error) error {
	return fmt.Errorf("%w: another process has been migrating for %v; wait for it or raise MigrateWait: %w", product.ErrBusy, wait, cause)
}

// discard ends a connection whose state is unknown, instead of returning it to the host's pool.
func discard(conn *sql.Conn, cause error) error {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	return classify(cause)
}
