package pool

import "net"

// Refusal is why what sql.Conn.Raw passes has no connection, or nil.
func Refusal(raw any) error { return raw.(*handle).refused }

// DriverDSN shows what the driver was told.
func DriverDSN(d *DSN) string { return d.config.FormatDSN() }

// Noting is the connection that the driver has instead of a socket.
func Noting(s net.Conn) net.Conn { return &notingConn{socket: s.(socket), g: new(greeting)} }
