// Package archtest holds the house's rules that a compiler does not: who may import whom, and what
// lies where. The table below is the documentation of the first; there is no other.
package archtest

// row says what a package may depend on, directly or through others, outside its tests. The
// standard library is allowed but for what never names.
type row struct {
	own     []string // packages of this module, without its path
	foreign []string // modules of others
	never   []string // packages of the standard library
	why     string
}

// anything allows all modules of others, or all packages of our own.
const anything = "*"

var (
	uuidOnly = []string{"github.com/google/uuid"}
	driver   = []string{"github.com/go-sql-driver/mysql", "filippo.io/edwards25519"}
	withJSON = []string{"github.com/google/uuid", "github.com/go-json-experiment/json"}
	withText = append([]string{"golang.org/x/text"}, withJSON...) // the encodings of files
)

// table has a row for every package. A path that ends in "/..." stands for the packages below it
// that have no row of their own.
var table = map[string]row{
	"product": {
		foreign: uuidOnly,
		never:   []string{"database/sql", "net/http"},
		why:     "the rules know neither SQL nor HTTP",
	},
	"product/sqlstore": {
		own: []string{"product", "internal/searchtext", "internal/txretry", "product/sqlstore/migrations"},
		foreign: join(uuidOnly, driver, []string{
			"github.com/Masterminds/squirrel", "github.com/lann/builder", "github.com/lann/ps",
			"github.com/pressly/goose/v3", "github.com/mfridman/interpolate", "github.com/sethvargo/go-retry",
			"go.uber.org/multierr", "golang.org/x/sync", "golang.org/x/text", // x/text for internal/searchtext
		}),
		never: []string{"net/http"},
		why:   "the only one that builds SQL and migrates; the host brings the SQLite driver",
	},
	"product/sqlstore/migrations": {why: "embedded files"},
	"product/storetest": {
		own:     []string{"product"},
		foreign: uuidOnly,
		why:     "runs in other people's tests: no assertion library of ours",
	},
	"product/feed": {
		own:     []string{"product", "internal/productjson"},
		foreign: withText,
		never:   []string{"database/sql", "net/http"},
		why:     "reads and writes files for whoever asks",
	},
	"pool": {
		own:     []string{"internal/txretry"},
		foreign: driver,
		why:     "of use without a catalogue",
	},
	"pool/poolprom": {
		own: []string{"pool", "internal/txretry"},
		foreign: join(driver, []string{
			"github.com/prometheus/client_golang", "github.com/prometheus/client_model", "github.com/prometheus/common",
			"github.com/prometheus/procfs", "github.com/beorn7/perks", "github.com/cespare/xxhash/v2",
			"github.com/munnerz/goautoneg", "google.golang.org/protobuf", "golang.org/x/sys",
		}),
		why: "Prometheus only for those who ask for it",
	},
	"pool/pooltest": {
		own:     []string{"pool", "internal/txretry"},
		foreign: driver,
		why:     "runs in other people's tests",
	},
	"httpapi": {
		own:     []string{"product", "product/feed", "internal/productjson", "internal/mount", "internal/spool"},
		foreign: withText,
		never:   []string{"database/sql"},
		why:     "handlers know the catalogue and not its storage",
	},
	"httpapi/console": {
		own:     []string{"product", "product/feed", "internal/productjson", "internal/mount", "internal/spool", "httpapi", "health", "pool", "internal/txretry"},
		foreign: join(withText, driver),
		why:     "pages of the catalogue, whatever keeps it, and of the pool and the probe if there are any; httpapi knows neither",
	},
	"httpapi/client": {
		own:     []string{"product", "product/feed", "internal/productjson"},
		foreign: withText,
		never:   []string{"database/sql"},
		why:     "speaks with a catalogue, and keeps none",
	},
	"httpapi/mounttest": {why: "runs in other people's tests, and asks over HTTP alone"},
	"health":            {why: "of use without a catalogue and without a pool"},
	"examples/...": {
		own:     []string{anything},
		foreign: []string{anything},
		why:     "an example is a user like any other, and wires everything",
	},
	"internal/productjson": {
		own:     []string{"product"},
		foreign: withJSON,
		never:   []string{"database/sql", "net/http"},
		why:     "one spelling of a product for httpapi and feed",
	},
	"internal/searchtext": {
		foreign: []string{"golang.org/x/text"},
		never:   []string{"database/sql", "net/http"},
		why:     "what a product is found by, the same for every engine",
	},
	"internal/mount":      {why: "where a handler stands in its host's paths, for httpapi and its console"},
	"internal/spool":      {why: "answers that wait for their takers, for httpapi and its console"},
	"internal/txretry":    {why: "which errors to try again, shared by pool and sqlstore"},
	"internal/testscale":  {why: "the size of tests"},
	"internal/archtest":   {why: "tests only"},
	"internal/readmehost": {why: "builds what it must not know: a host"},
	"internal/readmehost/cost": {
		own: []string{"internal/readmehost"},
		why: "a tool of make cost",
	},
	"internal/mysqltest": {
		foreign: []string{anything},
		why:     "for tests only: nothing but tests may import it, so dockertest stays out of users' builds",
	},
	"internal/mysqltest/with": {
		own:     []string{"internal/mysqltest"},
		foreign: []string{anything},
		why:     "a tool of make test",
	},
}

// topLevel is everything that may lie in the root of the repository, besides files whose name
// begins with a dot, which belong to git, linters and CI.
var topLevel = []string{
	"product", "pool", "httpapi", "health", "examples", "internal",
	"go.mod", "go.sum", "README.md", "LICENSE", "CHANGELOG.md", "Makefile",
}

// nameless are folder names that say nothing about what is inside.
var nameless = []string{"pkg", "cmd", "util", "utils", "common", "models", "helpers", "misc"}

func join(lists ...[]string) []string {
	var all []string
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}
