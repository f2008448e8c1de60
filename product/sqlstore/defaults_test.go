package sqlstore_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
)

// What a statement does not name is in the row as if it had, for what the store and the schema take for a
// default is the same.
func TestInsertsNameWhatIsNotAtItsDefault(t *testing.T) {
	t.Parallel()
	forEachServer(t, func(t *testing.T, e engine) {
		var inserts []string
		db := openHooked(t, e.driver, e.dsn, &hooks{before: func(query string) error {
			if strings.HasPrefix(query, "INSERT INTO productkit_") && !strings.Contains(query, "_migrations") {
				inserts = append(inserts, query)
			}
			return nil
		}})
		store := migrated(t, db, nil)
		bare := create(t, "A")
		bare.Draft.Status, bare.Draft.Stock, bare.Draft.Options, bare.Draft.Tags = product.StatusDraft, nil, nil, nil

		made := apply(t, store, bare)
		require.Equal(t, made[0], findOne(t, store, product.ByID(bare.ID)))
		all := strings.Join(inserts, "\n")
		for _, column := range []string{"description", "publish_at", "compare_at", "options", "weight_grams", "deleted", "on_hand", "reserved", "version", "subject", "actor", "fields"} {
			require.NotContains(t, all, column)
		}
		for _, table := range []string{"products (id,sku,name,status,price,currency,created_at,updated_at,live_sku)", "stock (product_id)", "changes (id,product_id,sku,kind,changed_at)"} {
			require.Contains(t, all, "INSERT INTO productkit_"+table)
		}

		// One row that has another value is enough.
		inserts = nil
		other, full := create(t, "B"), create(t, "C")
		*other.Draft = *bare.Draft
		other.Draft.SKU = "B"
		full.Draft.Description, full.Draft.Backorder, full.Draft.WeightGrams, full.Reason = "Long", true, 7, "why"
		for i, p := range apply(t, store, other, full) {
			require.Equal(t, p, findOne(t, store, product.ByID(p.ID)), i)
		}
		require.Contains(t, strings.Join(inserts, "\n"), "description")
		for _, w := range []product.Write{bare, other, full} {
			history, err := store.History(t.Context(), w.ID, nil, 10)
			require.NoError(t, err)
			require.Equal(t, product.ChangeCreated, history[0].Kind)
			require.EqualValues(t, 1, history[0].Version)
			require.Equal(t, w.Reason, history[0].Reason)
			require.Empty(t, history[0].Actor)
			stock, err := store.Stock(t.Context(), []uuid.UUID{w.ID}, w.At)
			require.NoError(t, err)
			require.EqualValues(t, map[bool]int64{true: 10}[w.Draft.Stock != nil], stock[0].OnHand)
			require.Zero(t, stock[0].Reserved)
			require.EqualValues(t, 1, stock[0].Version)
		}
	})
}
