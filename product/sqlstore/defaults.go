package sqlstore

// defaults are what the servers' tables hold in a column that an insert does not name. What is not here
// has to be named, or is NULL.
var defaults = map[string]any{
	"description": "", "options": "", "tags": "", "images": "", "attributes": "", "group_name": "", "category": "", "vendor": "", "barcode": "",
	"backorder": 0, "weight_grams": int64(0), "deleted": 0, "deleted_at": int64(0),
	"on_hand": int64(0), "reserved": int64(0),
	"subject": 0, "actor": "", "reason": "", "fields": "",
	"version": int64(1),
}

// withoutDefaults leaves out the columns that have their defaults in all of the rows, of which there is at
// least one. A server takes longer to parse a value than to put in a default.
func withoutDefaults(columns []string, rows [][]any) ([]string, [][]any) {
	var named []string
	var places []int
	for i, column := range columns {
		for _, row := range rows {
			if row[i] != defaults[column] {
				named, places = append(named, column), append(places, i)
				break
			}
		}
	}
	shorter := make([][]any, len(rows))
	values := make([]any, 0, len(rows)*len(places))
	for k, row := range rows {
		begin := len(values)
		for _, i := range places {
			values = append(values, row[i])
		}
		shorter[k] = values[begin:]
	}
	return named, shorter
}
