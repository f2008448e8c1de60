package pool

import (
	"context"
	"database/sql/driver"
)

// Session is a connection as its server knows it. A driver that cancels a call
// by closing its socket leaves the statement running on the server; with a
// Session the pool can end it there, and keeps the connection's place under the
// cap until that is done.
//
// Connections of a DSN have one when the pool talks straight to a MySQL or
// MariaDB server. A Connector of one's own gives one through [NoteSession].
type Session interface {
	// String names the session as the server's processlist does.
	String() string

	// End asks the server to end the session, over another connection of the
	// same connector, and reports whether it is gone. It is called again while it
	// returns false and no error, for a second in all; if that was in vain, now
	// and then for 10 minutes more, so it must not take another session that got
	// the same name meanwhile for this one.
	End(ctx context.Context, via driver.Conn) (gone bool, err error)
}

type sessionKey struct{}

// noted is what a Connector tells the pool about the connection that it makes.
type noted struct {
	session Session
	cut     func() // closes the socket, whoever is using it; nil if unknown
	mysql   bool   // a connection of go-sql-driver
}

func noteMySQL(ctx context.Context, cut func()) {
	if slot, ok := ctx.Value(sessionKey{}).(*noted); ok {
		slot.mysql, slot.cut = true, cut
	}
}

// NoteSession is called by a Connector inside Connect, with the context that it
// was given, to tell the pool the Session of the connection being made. Outside
// of a pool it does nothing.
func NoteSession(ctx context.Context, s Session) {
	if slot, ok := ctx.Value(sessionKey{}).(*noted); ok {
		slot.session = s
	}
}
