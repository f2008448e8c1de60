package product

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Money is an amount in minor units of a currency: {1999, "EUR"} is 19.99 euros. It is never
// a float, so that no cent is lost.
type Money struct {
	Amount   int64  `json:"amount"`   // 0 to [MaxQuantity]
	Currency string `json:"currency"` // an active ISO 4217 code, in capitals
}

// ParseMoney reads a decimal number in major units, such as 19.99, exactly. A number with
// more digits after the point than the currency has is refused unless they are zeros, and so
// are signs, exponents and group separators.
func ParseMoney(decimal, currency string) (Money, error) {
	digits, ok := CurrencyDigits(currency)
	if !ok {
		return Money{}, fmt.Errorf("%q is no active ISO 4217 currency code such as EUR", currency)
	}
	whole, fraction, point := strings.Cut(decimal, ".")
	kept := strings.TrimRight(fraction, "0")
	switch {
	case !allDigits(whole) || whole == "", !allDigits(fraction), point && fraction == "":
		return Money{}, fmt.Errorf("%q is no decimal number; write it like 19.99", abbreviate(decimal))
	case len(kept) > digits:
		return Money{}, fmt.Errorf("%q has more than the %d decimal digits of %s", abbreviate(decimal), digits, currency)
	}
	amount, err := strconv.ParseInt(whole+kept+strings.Repeat("0", digits-len(kept)), 10, 64)
	if err != nil || amount > MaxQuantity {
		return Money{}, fmt.Errorf("%q is above the greatest amount, %s", abbreviate(decimal), Money{MaxQuantity, currency}.Decimal())
	}
	return Money{Amount: amount, Currency: currency}, nil
}

// Decimal is the amount in major units, with exactly the currency's digits: 19.99. It is what
// [ParseMoney] reads.
func (m Money) Decimal() string {
	return string(m.AppendDecimal(make([]byte, 0, 24)))
}

// AppendDecimal appends what Decimal returns.
func (m Money) AppendDecimal(b []byte) []byte {
	digits, _ := CurrencyDigits(m.Currency)
	if digits == 0 {
		return strconv.AppendInt(b, m.Amount, 10)
	}
	amount := m.Amount
	if amount < 0 { // no price is
		b = append(b, '-')
		amount = -amount
	}
	start := len(b)
	b = strconv.AppendInt(b, amount, 10)
	for len(b)-start <= digits {
		b = slices.Insert(b, start, '0')
	}
	return slices.Insert(b, len(b)-digits, '.')
}

// String is the decimal amount and the currency: 19.99 EUR.
func (m Money) String() string { return m.Decimal() + " " + m.Currency }

// CurrencyDigits returns how many digits the minor unit of a currency has, and whether the
// code is one of ISO 4217's active ones.
func CurrencyDigits(code string) (digits int, ok bool) {
	if len(code) != 3 {
		return 0, false
	}
	for digits, codes := range currencies {
		// Codes stand four characters apart, so that a match across two of them is none.
		if at := strings.Index(codes, code); at >= 0 && at%4 == 0 {
			return digits, true
		}
	}
	return 0, false
}

// currencies lists ISO 4217's active codes (list one, 2025) by the digits of their minor
// unit. Fund, metal and test codes, in which nothing is priced, are left out.
var currencies = [...]string{
	0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
	1: "",
	2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD " +
		"CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD " +
		"GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD " +
		"MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP " +
		"PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS " +
		"TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
	3: "BHD IQD JOD KWD LYD OMR TND",
}

func allDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// abbreviate keeps what a caller sent short enough to be shown back in an error.
func abbreviate(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
