package pool

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Severity is how bad a [Finding] is. In JSON and text it is its name.
type Severity int

// The severities.
const (
	SeverityInfo    Severity = iota // worth knowing; nothing needs to be done
	SeverityWarning                 // will hurt under load, with time or on failures
	SeverityError                   // hurts now, or makes data wrong
)

func (s Severity) String() string {
	switch s {
	case SeverityInfo:
		return "info"
	case SeverityWarning:
		return "warning"
	case SeverityError:
		return "error"
	}
	return fmt.Sprintf("Severity(%d)", int(s))
}

// MarshalText returns the name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name.
func (s *Severity) UnmarshalText(text []byte) error {
	for known := SeverityInfo; known <= SeverityError; known++ {
		if known.String() == string(text) {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("pool: severity %q is not known; it is info, warning or error", text)
}

// The IDs of findings. They stay as they are, for alerts and scripts to match.
const (
	FindingUnreachable   = "unreachable"                   // the database does not answer
	FindingDialFailing   = "dial-failing"                  // it answers, but connects fail
	FindingLifetime      = "lifetime-exceeds-wait-timeout" // the server closes connections before the pool does
	FindingNoReadTimeout = "no-read-timeout"               // a silent server holds callers forever
	FindingTimeZone      = "time-zone"                     // driver and server disagree: times are wrong
	FindingSQLMode       = "sql-mode-not-strict"           // the server changes bad values in silence
	FindingCharset       = "charset"                       // not utf8mb4: some characters cannot be stored
	FindingCollation     = "collation-mismatch"            // connection and database compare differently
	FindingFleet         = "fleet-exceeds-max-connections" // all pools together do not fit, see Budget
	FindingAccountLimit  = "account-limit"                 // nor does it fit into max_user_connections
	FindingServerFull    = "server-nearly-full"            // max_connections is nearly or was reached
	FindingChurn         = "connection-churn"              // connections are closed too often for what they did
	FindingTooSmall      = "pool-too-small"                // callers wait or are refused
	FindingTooLarge      = "pool-too-large"                // far more connections than Little's law asks for
	FindingAbandoned     = "abandoned-statements"          // cancelled statements may still run on the server
	FindingDoublePool    = "double-pool"                   // database/sql bounds a Pool's DB as well
	FindingUnbounded     = "unbounded"                     // a plain *sql.DB without SetMaxOpenConns
)

// Finding is something that the doctor found.
type Finding struct {
	// ID is one of the Finding constants.
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	// Evidence is what was seen, with the numbers.
	Evidence string `json:"evidence"`
	// Fix says what to do.
	Fix string `json:"fix"`
}

// Omission is something that the doctor could not look at.
type Omission struct {
	Subject string `json:"subject"`
	// Why it could not be looked at.
	Why string `json:"why"`
	// Remedy says what would let it, such as the GRANT that is missing.
	Remedy string `json:"remedy"`
}

// Client is who holds connections to the server: those of one service, user and
// host together.
type Client struct {
	// Service is the connections' attribute "service", else "program_name", else
	// "_client_name" (the driver); "" if attributes could not be read.
	Service string `json:"service"`
	User    string `json:"user"`
	Host    string `json:"host"`
	// Processes is how many process IDs the attributes name, at least 1.
	Processes   int `json:"processes"`
	Connections int `json:"connections"`
	// Active are those that run something.
	Active int `json:"active"`
}

// Report is what the doctor found. It marshals to JSON as its fields are tagged;
// String and WriteTo give a text for people. It never holds a password nor the
// text of a statement.
type Report struct {
	At time.Time `json:"at"`
	// Database is user@net(address)/name, and Server its version; "" if unknown.
	Database string `json:"database"`
	Server   string `json:"server"`
	// Connections are open on the server now, of at most MaxConnections; 0 if
	// unknown.
	Connections    int `json:"connections"`
	MaxConnections int `json:"max_connections"`
	// Findings are sorted, the worst first.
	Findings []Finding `json:"findings"`
	// Omissions is what could not be looked at, so that no finding does not mean
	// that all is well there.
	Omissions []Omission `json:"omissions"`
	// Clients are all that could be seen, the largest first.
	Clients []Client `json:"clients"`
}

// Wrong reports whether there is a finding of at least SeverityWarning.
func (r Report) Wrong() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity >= SeverityWarning })
}

func (r *Report) find(id string, s Severity, fix, evidence string, args ...any) {
	r.Findings = append(r.Findings, Finding{ID: id, Severity: s, Evidence: fmt.Sprintf(evidence, args...), Fix: fix})
}

func (r *Report) omit(subject, why, remedy string) {
	r.Omissions = append(r.Omissions, Omission{Subject: subject, Why: why, Remedy: remedy})
}

func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	slices.SortFunc(r.Clients, func(a, b Client) int {
		return cmp.Or(cmp.Compare(b.Connections, a.Connections), cmp.Compare(a.Service, b.Service), cmp.Compare(a.User, b.User), cmp.Compare(a.Host, b.Host))
	})
}

// String is the text of WriteTo.
func (r Report) String() string {
	var b strings.Builder
	for _, s := range []string{r.Database, r.Server} {
		if s != "" {
			fmt.Fprintf(&b, "%s\n", s)
		}
	}
	fmt.Fprintf(&b, "%s\n", r.At.Format(time.RFC3339))
	if len(r.Findings) == 0 {
		b.WriteString("\nNothing was found.\n")
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "\n%s %s\n  %s\n  fix: %s\n", strings.ToUpper(f.Severity.String()), f.ID, indent(f.Evidence), indent(f.Fix))
	}
	if len(r.Omissions) > 0 {
		b.WriteString("\nNot looked at:\n")
	}
	for _, o := range r.Omissions {
		fmt.Fprintf(&b, "  %s: %s\n    remedy: %s\n", o.Subject, indent(o.Why), indent(o.Remedy))
	}
	if len(r.Clients) > 0 {
		fmt.Fprintf(&b, "\nConnections: %d of %d\n", r.Connections, r.MaxConnections)
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprint(w, "  OPEN\tACTIVE\tPROCESSES\tUSER\tHOST\tSERVICE\n")
		for _, c := range r.Clients {
			fmt.Fprintf(w, "  %d\t%d\t%d\t%s\t%s\t%s\n", c.Connections, c.Active, c.Processes, c.User, c.Host, cmp.Or(c.Service, "?"))
		}
		w.Flush()
	}
	return b.String()
}

func indent(s string) string { return strings.ReplaceAll(s, "\n", "\n  ") }

// WriteTo writes the report as text for people. Programs should read the JSON.
func (r Report) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, r.String())
	return int64(n), err
}
