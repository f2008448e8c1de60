package product_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/productkit-go/productkit/product"
)

func TestParseMoney(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		decimal, currency string
		amount            int64
		back              string
		err               string
	}{
		{decimal: "19.99", currency: "EUR", amount: 1999, back: "19.99"},
		{decimal: "19.9", currency: "EUR", amount: 1990, back: "19.90"},
		{decimal: "19.9900", currency: "EUR", amount: 1999, back: "19.99"},
		{decimal: "0", currency: "EUR", amount: 0, back: "0.00"},
		{decimal: "007", currency: "USD", amount: 700, back: "7.00"},
		{decimal: "0.01", currency: "USD", amount: 1, back: "0.01"},
		{decimal: "500", currency: "JPY", amount: 500, back: "500"},
		{decimal: "500.0", currency: "JPY", amount: 500, back: "500"},
		{decimal: "1.234", currency: "KWD", amount: 1234, back: "1.234"},
		{decimal: "90071992547409.91", currency: "EUR", amount: product.MaxQuantity, back: "90071992547409.91"},
		{decimal: "90071992547409.92", currency: "EUR", err: "above the greatest amount, 90071992547409.91"},
		{decimal: "99999999999999999999999999", currency: "EUR", err: "above the greatest amount"},
		{decimal: "19.999", currency: "EUR", err: "more than the 2 decimal digits of EUR"},
		{decimal: "1.5", currency: "JPY", err: "more than the 0 decimal digits of JPY"},
		{decimal: "-1", currency: "EUR", err: "write it like 19.99"},
		{decimal: "+1", currency: "EUR", err: "no decimal number"},
		{decimal: "1,000.00", currency: "EUR", err: "no decimal number"},
		{decimal: "1e3", currency: "EUR", err: "no decimal number"},
		{decimal: "", currency: "EUR", err: "no decimal number"},
		{decimal: ".5", currency: "EUR", err: "no decimal number"},
		{decimal: "5.", currency: "EUR", err: "no decimal number"},
		{decimal: "1.2.3", currency: "EUR", err: "no decimal number"},
		{decimal: "٣", currency: "EUR", err: "no decimal number"},
		{decimal: "1", currency: "eur", err: "no active ISO 4217 currency code"},
		{decimal: "1", currency: "R U", err: "no active ISO 4217"},
		{decimal: "1", currency: "", err: "no active ISO 4217"},
	} {
		m, err := product.ParseMoney(test.decimal, test.currency)
		if test.err != "" {
			require.ErrorContains(t, err, test.err, test.decimal)
			continue
		}
		require.NoError(t, err, test.decimal)
		require.Equal(t, product.Money{Amount: test.amount, Currency: test.currency}, m)
		require.Equal(t, test.back, m.Decimal())
	}
}

func FuzzParseMoneyIsExact(f *testing.F) {
	f.Add("19.99", "EUR")
	f.Add("500", "JPY")
	f.Add("0.001", "KWD")
	f.Fuzz(func(t *testing.T, decimal, currency string) {
		m, err := product.ParseMoney(decimal, currency)
		if err != nil {
			return
		}
		again, err := product.ParseMoney(m.Decimal(), currency)
		require.NoError(t, err)
		require.Equal(t, m, again)
	})
}
