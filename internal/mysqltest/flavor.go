package mysqltest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Flavor is a family of servers that speak MySQL's protocol and differ in SQL.
type Flavor string

// The flavours that the project is tested on.
const (
	MySQL   Flavor = "mysql"
	MariaDB Flavor = "mariadb"
)

// Flavors returns every [Flavor], in the order in which [New] prefers them.
func Flavors() []Flavor { return []Flavor{MySQL, MariaDB} }

// flavorOf reads the flavour from what a server answers to SELECT VERSION() or prints for
// --version: only MariaDB names itself there.
func flavorOf(version string) Flavor {
	if strings.Contains(strings.ToLower(version), "mariadb") {
		return MariaDB
	}
	return MySQL
}

// required reports whether REQUIRE_MYSQL asks for f.
func required(f Flavor) (bool, error) {
	switch value := os.Getenv("REQUIRE_MYSQL"); {
	case value == "" || value == "0":
		return false, nil
	case value == "1":
		return true, nil
	case slices.Contains(Flavors(), Flavor(value)):
		return Flavor(value) == f, nil
	default:
		return false, fmt.Errorf(`REQUIRE_MYSQL is %q: use "1" for both flavours, "mysql", "mariadb", or "0"`, value)
	}
}

func queryVersion(ctx context.Context, db *sql.DB) (string, error) {
	var version string
	err := db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version)
	return version, err
}
