package pool

import (
	"cmp"
	"errors"
	"maps"
	"strings"
)

// checkFleet compares what all processes together may open with what the server
// allows, and lists who holds connections.
func (x *examination) checkFleet() {
	s, r := x.server, &x.report
	if s == nil {
		return
	}
	r.MaxConnections = number(s.vars, "max_connections")
	r.Connections = number(s.status, "threads_connected")
	r.Clients = clients(s.sessions)
	x.checkServerFull()

	b, seen := x.fleet()
	cfg := Config{MaxConns: x.cfg.MaxConns, MaxOverflow: x.cfg.MaxOverflow}
	var over *BudgetError
	switch err := b.Check(cfg); {
	case errors.As(err, &over):
		r.find(FindingFleet, SeverityError, over.Remedy(), "%s%s", over.Numbers(), seen)
	case err != nil:
		r.omit("the fleet against max_connections", err.Error(), "correct DoctorOptions.Fleet")
	}
	b = b.WithDefaults()
	if most, need := number(s.vars, "max_user_connections"), perPool(cfg)*b.Instances*b.Pools; most > 0 && need > most {
		r.find(FindingAccountLimit, SeverityError,
			"ALTER USER … WITH MAX_USER_CONNECTIONS, or lower MaxConns and MaxOverflow",
			"the account %s may have %d connections (max_user_connections); %d processes%s × %d connections are %d%s",
			s.account, most, b.Instances, b.timesPools(), perPool(cfg), need, seen)
	}
}

// fleet is the budget to check, and how it was come by.
func (x *examination) fleet() (b Budget, seen string) {
	b = x.o.Fleet
	if b.MaxConnections == 0 {
		b.MaxConnections = x.report.MaxConnections
	}
	ours, others := 0, 0
	for _, c := range x.report.Clients {
		if x.isOurs(c) {
			ours += c.Processes
		} else {
			others += c.Connections
		}
	}
	if b.Reserved == 0 {
		b.Reserved = max(Budget{MaxConnections: b.MaxConnections}.WithDefaults().Reserved, others)
	}
	if b.Instances == 0 {
		if x.o.Outside && x.isOurs(Client{Service: x.ownService(), User: x.account()}) {
			ours--
		}
		b.Instances = max(ours, 1)
		seen = " (Instances as seen in the process list; set DoctorOptions.Fleet for the number that there may be)"
	}
	return b, seen
}

// account is the user's name as in the process list.
func (x *examination) account() string {
	user, _, _ := strings.Cut(x.server.account, "@")
	if x.driver != nil {
		user = x.driver.User
	}
	return user
}

// ownService is what this process calls itself.
func (x *examination) ownService() string {
	attrs := maps.Clone(x.cfg.Attributes)
	if attrs == nil {
		attrs = map[string]string{}
	}
	if x.driver != nil {
		for attr := range strings.SplitSeq(x.driver.ConnectionAttributes, ",") {
			if name, value, ok := strings.Cut(attr, ":"); ok && attrs[name] == "" {
				attrs[name] = value
			}
		}
	}
	return cmp.Or(attrs["service"], attrs["program_name"])
}

// isOurs tells whether a client belongs to the fleet.
func (x *examination) isOurs(c Client) bool {
	service := x.o.Service
	if service == "" && !x.o.Outside {
		service = x.ownService()
	}
	if service != "" && c.Service != "" {
		return c.Service == service
	}
	return c.User == x.account()
}

// checkServerFull looks at the server as a whole.
func (x *examination) checkServerFull() {
	s, r := x.server, &x.report
	const fix = "see who holds connections; give them back sooner or bound every client (Budget), then raise max_connections if memory allows"
	peak, refused := number(s.status, "max_used_connections"), number(s.status, "connection_errors_max_connections")
	switch {
	case r.MaxConnections > 0 && r.Connections*5 >= r.MaxConnections*4:
		r.find(FindingServerFull, SeverityWarning, fix, "%d of %d connections are open now", r.Connections, r.MaxConnections)
	case refused > 0:
		r.find(FindingServerFull, SeverityInfo, fix,
			"the server has refused %d connects because all %d connections were taken, at some time in the %s since its start; at most %d were open at one time",
			refused, r.MaxConnections, seconds(number(s.status, "uptime")), peak)
	}
}

// clients groups sessions by service, user and host.
func clients(sessions []serverSession) []Client {
	type key struct{ service, user, host string }
	groups := map[key]*Client{}
	pids := map[key]map[string]bool{}
	for _, s := range sessions {
		k := key{s.service(), s.user, s.host}
		c := groups[k]
		if c == nil {
			c = &Client{Service: k.service, User: k.user, Host: k.host}
			groups[k], pids[k] = c, map[string]bool{}
		}
		c.Connections++
		if s.command != "Sleep" {
			c.Active++
		}
		if pid := s.attrs["_pid"]; pid != "" {
			pids[k][pid] = true
		}
	}
	list := make([]Client, 0, len(groups))
	for k, c := range groups {
		c.Processes = max(len(pids[k]), 1)
		list = append(list, *c)
	}
	return list
}
