//go:build faults

package faults_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"

	"github.com/productkit-go/productkit/pool"
)

// class says in a few words what a caller learns from err; ok is false if that is not enough to act
// on it.
func class(err error) (what string, ok bool) {
	if acquire, is := errors.AsType[*pool.AcquireError](err); is {
		if errors.Is(err, driver.ErrBadConn) || errors.Is(err, pool.ErrClosed) {
			return "refused: " + acquire.Error(), false
		}
		what = acquire.Reason.Error()
		if my, is := errors.AsType[*mysql.MySQLError](acquire.DialErr); is {
			what += fmt.Sprintf(", dial: server error %d", my.Number)
		} else if acquire.DialErr != nil {
			what += ", dial failed"
		}
		return what, true
	}
	if my, is := errors.AsType[*mysql.MySQLError](err); is {
		switch my.Number {
		case 1053, // shutdown in progress
			1213, 1205, // deadlock, lock wait
			1290, 1836, 1792, // read-only
			1317, 1927, // killed
			4031: // disconnected by the server, idle for too long
			return fmt.Sprintf("server error %d", my.Number), true
		}
		return my.Error(), false
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline of the caller", true
	case errors.Is(err, mysql.ErrInvalidConn):
		return "connection lost in a statement", true
	}
	return fmt.Sprintf("%T: %v", err, err), false
}
