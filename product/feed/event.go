package feed

// EventKind says what an [Event] tells.
type EventKind string

// The kinds of event.
const (
	// EventProgress: the counts so far.
	EventProgress EventKind = "progress"
	// EventRefused: a row was not taken. Those around it are not affected.
	EventRefused EventKind = "refused"
	// EventWarning: a row was taken, but not quite as it stands.
	EventWarning EventKind = "warning"
	// EventFailed: the import ends before the file does. Only [EventSummary] follows.
	EventFailed EventKind = "failed"
	// EventSummary: the final counts. It comes last, once.
	EventSummary EventKind = "summary"
)

// Event is one piece of news of an import. Its JSON form is one line of the NDJSON that
// importing over HTTP answers with; members are only ever added to it.
type Event struct {
	Kind    EventKind `json:"event"`
	Line    int       `json:"line,omitempty"` // where the row begins, counted from 1
	SKU     string    `json:"sku,omitempty"`
	Field   string    `json:"field,omitempty"` // the product's member, as in product.Fault
	Code    string    `json:"code,omitempty"`
	Message string    `json:"message,omitempty"`
	More    []Fault   `json:"more,omitempty"` // the further faults of the same row
	Err     error     `json:"-"`              // of [EventFailed]: the cause, for errors.Is

	*Counts // of [EventProgress], [EventFailed] and [EventSummary]

	// Complete is set in [EventSummary] only: whether the whole file was read and tried.
	Complete *bool `json:"complete,omitempty"`
}

// Fault is a product.Fault in its JSON form.
type Fault struct {
	Field   string `json:"field,omitempty"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Counts says how far an import has come.
type Counts struct {
	Rows      int64 `json:"rows"` // records read, without the header
	Created   int64 `json:"created"`
	Updated   int64 `json:"updated"` // the product, its stock, or both
	Unchanged int64 `json:"unchanged"`
	Refused   int64 `json:"refused"`
	Warnings  int64 `json:"warnings"`
}
