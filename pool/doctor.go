package pool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"
)

// DoctorOptions are the settings of [Pool.Doctor] and [Doctor]; nil means the
// defaults.
type DoctorOptions struct {
	// Fleet says how many processes share the server. Zero MaxConnections is
	// read from the server. Zero Instances are counted in the process list: the
	// processes of the same service, which shows only those that run now. Zero
	// Reserved is Budget's default or what other clients hold now, if that is
	// more.
	Fleet Budget

	// Service is the fleet's connections' attribute "service" (or
	// "program_name"). Default that of Config.Attributes; without one, all
	// connections of the same user are the fleet's.
	Service string

	// Sample is for how long the pool's statistics are watched. Default 0: all
	// since Open is looked at, in which a bad hour may hide; watch for 10 s or
	// more while it lasts.
	Sample time.Duration

	// Outside says that this process is none of the fleet, as a program that
	// does nothing but ask the doctor: its statistics say nothing, and it is not
	// counted as an instance.
	Outside bool

	// Timeout bounds the questions to the server, all together. Default 10 s.
	Timeout time.Duration
}

// Doctor examines the pool's settings, its statistics and the server, and
// reports what is wrong with the evidence and the fix. See the Finding constants
// for what it looks for.
//
// It asks the server over the health lane, so it works while the pool is
// exhausted, and takes a few milliseconds besides DoctorOptions.Sample. It only
// reads. What the account may not read is left out and said in
// Report.Omissions, with the GRANT that would help; a database that does not
// answer is a finding.
//
// The error is ErrClosed after Shutdown, or that of ctx; the Report then holds
// what was found before.
func (p *Pool) Doctor(ctx context.Context, o *DoctorOptions) (Report, error) {
	x := newExamination(p.engine.cfg, o)
	x.ping, x.ask = p.Ping, overLane(p.engine.lane)
	x.pool, x.db = p, p.db
	if p.engine.cfg.DSN != "" {
		d, err := ParseDSN(p.engine.cfg.DSN)
		if err != nil {
			return x.report, err
		}
		x.driver = d.config
	}
	err := x.run(ctx)
	return x.report, err
}

// Doctor examines a *sql.DB that is no [Pool]'s, against the settings that it
// ought to have: cfg's sizes and ages, as [Apply] sets them. If cfg.DSN is set
// it must be what db was opened with, for the driver's settings are read from
// it; cfg.Connector is not needed.
//
// It takes a connection of db's, so it waits as any caller does, and reports the
// database as unreachable if none comes free. Everything else is as in
// [Pool.Doctor]. An invalid cfg.DSN is an error.
func Doctor(ctx context.Context, db *sql.DB, cfg Config, o *DoctorOptions) (Report, error) {
	x := newExamination(cfg.WithDefaults(), o)
	x.ping, x.ask, x.db = db.PingContext, overDB(db), db
	if cfg.DSN != "" {
		// The driver's own reading first: what ParseDSN would set is not set here.
		my, err := mysql.ParseDSN(cfg.DSN)
		if err != nil {
			d, err := ParseDSN(cfg.DSN)
			if err != nil {
				return x.report, err
			}
			my = d.config
		}
		x.driver = my
	}
	err := x.run(ctx)
	return x.report, err
}

// examination is one run of the doctor.
type examination struct {
	o      DoctorOptions
	cfg    Config        // with defaults
	driver *mysql.Config // nil if unknown
	ping   func(context.Context) error
	ask    asker
	pool   *Pool // nil for a foreign *sql.DB
	db     *sql.DB
	server *server // nil if unknown
	report Report
}

func newExamination(cfg Config, o *DoctorOptions) *examination {
	x := &examination{cfg: cfg}
	if o != nil {
		x.o = *o
	}
	if x.o.Timeout <= 0 {
		x.o.Timeout = 10 * time.Second
	}
	// Never null in JSON.
	x.report = Report{Findings: []Finding{}, Omissions: []Omission{}, Clients: []Client{}}
	return x
}

func (x *examination) run(ctx context.Context) error {
	r := &x.report
	if x.driver != nil {
		r.Database = fmt.Sprintf("%s@%s(%s)/%s", x.driver.User, x.driver.Net, x.driver.Addr, x.driver.DBName)
	}
	load, err := x.watch(ctx)
	if err != nil {
		return err
	}
	r.At = time.Now()
	if err := x.meetServer(ctx); err != nil {
		return err
	}
	x.checkDriver()
	x.checkServer()
	x.checkFleet()
	x.checkKnobs()
	x.checkLoad(load)
	r.sort()
	return ctx.Err()
}

// meetServer asks the server; that it cannot be asked is a finding or an
// omission, no error.
func (x *examination) meetServer(ctx context.Context) error {
	r := &x.report
	bound, cancel := context.WithTimeout(ctx, x.o.Timeout)
	defer cancel()
	const subject = "the server: its variables, status and connections"
	if err := x.ping(bound); err != nil {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrClosed):
			return ErrClosed
		}
		r.find(FindingUnreachable, SeverityError,
			"see that the database is up, that address, account and network let this host in, and that a connection is free", "no answer: %v", err)
		r.omit(subject, "it does not answer", "ask again when it does")
		return nil
	}
	s, err := askServer(bound, x.ask, r)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.omit(subject, err.Error(), "nothing, if this is no MySQL or MariaDB server; otherwise ask again")
		return nil
	}
	x.server, r.Server = s, s.version
	return nil
}
