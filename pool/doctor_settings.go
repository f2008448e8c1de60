package pool

import (
	"slices"
	"strings"
	"time"
)

// checkDriver looks at what the driver was told.
func (x *examination) checkDriver() {
	r := &x.report
	if x.driver == nil {
		r.omit("the driver's settings: timeouts, time zone", "the database is given by a Connector, which tells nothing of them", "give a DSN instead")
		return
	}
	if x.driver.ReadTimeout <= 0 {
		r.find(FindingNoReadTimeout, SeverityWarning,
			"set readTimeout in the DSN, above the longest statement (30m), as a backstop for calls without a deadline",
			"readTimeout is 0: a call without a deadline waits forever for a server that fell silent")
	}
}

// checkServer compares the server's session with the settings.
func (x *examination) checkServer() {
	s, r := x.server, &x.report
	if s == nil {
		return
	}
	x.checkLifetime()
	if x.driver != nil {
		at := time.Now()
		if _, seconds := at.In(x.driver.Loc).Zone(); time.Duration(seconds)*time.Second != s.utcOffset {
			r.find(FindingTimeZone, SeverityError,
				"let both be UTC: leave loc and time_zone out of the DSN of a pool, or set time_zone='+00:00' there; correct the times written so far",
				"the session's time_zone is %s, %v ahead of UTC, and the driver reads times as %v, %v ahead: NOW(), CURRENT_TIMESTAMP and TIMESTAMP columns come out wrong by %v",
				s.vars["time_zone"], s.utcOffset, x.driver.Loc, time.Duration(seconds)*time.Second, (s.utcOffset - time.Duration(seconds)*time.Second).Abs())
		}
	}
	modes := strings.Split(s.vars["sql_mode"], ",")
	if !slices.Contains(modes, "STRICT_TRANS_TABLES") && !slices.Contains(modes, "STRICT_ALL_TABLES") {
		r.find(FindingSQLMode, SeverityWarning,
			"set sql_mode on the server to its default, which is strict, and take sql_mode out of the DSN",
			"sql_mode is %q: values that are too long or out of range are cut without an error", s.vars["sql_mode"])
	}
	var wrong []string
	for _, name := range []string{"character_set_client", "character_set_connection", "character_set_results", "character_set_database"} {
		if v := s.vars[name]; v != "utf8mb4" && !(name == "character_set_database" && x.driver != nil && x.driver.DBName == "") {
			wrong = append(wrong, name+" is "+v)
		}
	}
	switch {
	case len(wrong) > 0:
		r.find(FindingCharset, SeverityWarning,
			"leave charset and collation out of a pool's DSN, or set charset=utf8mb4; ALTER DATABASE … CHARACTER SET utf8mb4 for new tables, and CONVERT the old ones",
			"%s: characters outside of it are refused or replaced", strings.Join(wrong, ", "))
	case s.vars["collation_connection"] != s.vars["collation_database"] && (x.driver == nil || x.driver.DBName != ""):
		r.find(FindingCollation, SeverityInfo,
			"set collation in the DSN to the database's if literals are compared with each other or with variables; columns keep their own",
			"the connection compares by %s, the database by %s", s.vars["collation_connection"], s.vars["collation_database"])
	}
}

// checkLifetime compares wait_timeout with how long a connection can lie idle.
func (x *examination) checkLifetime() {
	wait := time.Duration(number(x.server.vars, "wait_timeout")) * time.Second
	if wait == 0 || x.cfg.MaxLifetime > 0 && x.cfg.MaxLifetime < wait {
		return
	}
	severity, idle := SeverityWarning, "MaxIdleTime "+limit(x.cfg.MaxIdleTime)+" closes most of them before"
	if kept := x.pool != nil && x.cfg.MinConns > 0; kept || x.cfg.MaxIdleTime < 0 || x.cfg.MaxIdleTime >= wait {
		severity, idle = SeverityError, "and nothing closes idle ones before: MaxIdleTime is "+limit(x.cfg.MaxIdleTime)
		if kept {
			idle += ", and not for the MinConns kept warm"
		}
	}
	x.report.find(FindingLifetime, severity,
		"set MaxLifetime below wait_timeout with some room, to "+(wait*3/4).String()+", or raise the server's wait_timeout",
		"MaxLifetime is %s, wait_timeout %v: the server closes connections that the pool still takes for good, %s", limit(x.cfg.MaxLifetime), wait, idle)
}

func limit(d time.Duration) string {
	if d < 0 {
		return "off"
	}
	return d.String()
}

// checkKnobs looks for a *sql.DB whose own pool is set as it should not be.
func (x *examination) checkKnobs() {
	s := x.db.Stats()
	switch {
	case x.pool == nil && s.MaxOpenConnections == 0:
		x.report.find(FindingUnbounded, SeverityError,
			"call pool.Apply, or SetMaxOpenConns; better, open a Pool",
			"the *sql.DB has no SetMaxOpenConns: it opens a connection for each concurrent call, %d now, until the server refuses", s.OpenConnections)
	case x.pool != nil && s.MaxOpenConnections != 0:
		x.report.find(FindingDoublePool, SeverityError,
			"do not call SetMaxOpenConns or pool.Apply on Pool.DB(), nor let a framework do it; set the Config",
			"database/sql pools too: SetMaxOpenConns is %d, and the callers beyond that wait where the pool neither sees nor bounds them", s.MaxOpenConnections)
	}
}
