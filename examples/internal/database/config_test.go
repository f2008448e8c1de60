package database

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConnectionsTakeSeveralStatementsUnlessTheURLSaysOtherwise(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"u:p?/w@tcp(db:3306)/shop":                      "u:p?/w@tcp(db:3306)/shop?multiStatements=true",
		"u@tcp(db:3306)/shop?":                          "u@tcp(db:3306)/shop?multiStatements=true",
		"u@tcp(db:3306)/shop?tls=true":                  "u@tcp(db:3306)/shop?tls=true&multiStatements=true",
		"u@tcp(db:3306)/shop?multiStatements=false":     "u@tcp(db:3306)/shop?multiStatements=false",
		"mysql://u:p@db:3306/shop":                      "mysql://u:p@db:3306/shop?multiStatements=true",
		"mysql://u:p@db/shop?ssl_ca=/etc/ca.pem":        "mysql://u:p@db/shop?ssl_ca=/etc/ca.pem&multiStatements=true",
		"mysql+aiomysql://u@db/shop?multiStatements=no": "mysql+aiomysql://u@db/shop?multiStatements=no",
	} {
		require.Equal(t, want, together(url))
	}
}
