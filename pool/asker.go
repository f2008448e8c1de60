package pool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
)

// asker runs a query without arguments and returns its rows as text.
type asker func(ctx context.Context, query string) ([][]string, error)

// overLane asks over the health lane, so that a pool in trouble can be looked at
// without taking part in its queue.
func overLane(l *lane) asker {
	return func(ctx context.Context, query string) (rows [][]string, err error) {
		err = l.do(ctx, func(c *conn) (err error) {
			rows, err = queryRows(ctx, c.ci, query)
			return err
		})
		return rows, err
	}
}

// queryRows asks on a connection of the driver's.
func queryRows(ctx context.Context, ci driver.Conn, query string) (out [][]string, err error) {
	q, ok := ci.(driver.QueryerContext)
	if !ok {
		return nil, fmt.Errorf("%T has no QueryContext", ci)
	}
	rows, err := q.QueryContext(ctx, query, nil)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
	}()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(row); err == io.EOF {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		text := make([]string, len(row))
		for i, v := range row {
			switch v := v.(type) {
			case nil:
			case []byte:
				text[i] = string(v)
			default:
				text[i] = fmt.Sprint(v)
			}
		}
		out = append(out, text)
	}
}

// overDB asks a *sql.DB that is not ours.
func overDB(db *sql.DB) asker {
	return func(ctx context.Context, query string) (out [][]string, err error) {
		rows, err := db.QueryContext(ctx, query)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			return nil, err
		}
		into := make([]any, len(columns))
		for rows.Next() {
			text := make([]sql.NullString, len(columns))
			for i := range text {
				into[i] = &text[i]
			}
			if err := rows.Scan(into...); err != nil {
				return nil, err
			}
			line := make([]string, len(columns))
			for i := range text {
				line[i] = text[i].String
			}
			out = append(out, line)
		}
		return out, rows.Err()
	}
}
