// Package feed brings files of products into a catalogue and out of it: CSV with columns of our own
// or with any others and a [Map], NDJSON, and the CSV that Shopify exports.
//
// [Import] reads a stream of any length in constant memory, merges it in batches and tells
// what happens as events: progress, every refused row with its line, and a summary. A wrong
// row does not stop the good ones. Running the same file again changes nothing, so an import
// that was cut short is completed by starting it over.
//
// [DryRun] makes an import that tells all that and changes nothing. [Export] writes what Import
// reads, from one moment.
//
// # Our own columns
//
// They stand in any order; sku, name and price must be there, and currency unless [Config] names
// one. A blank cell empties the member, but for stock and status, which it leaves alone.
//
//	sku, name, description, group, vendor, barcode   as they are
//	price, compare_at        decimal numbers in major units: 19.99
//	currency                 the ISO 4217 code of both
//	status                   draft, active or archived
//	stock, weight_grams      numbers; a weight is rounded
//	backorder                true or false, yes or no, 1 or 0
//	options, attributes      JSON objects, which replace the whole; options.Size and
//	                         attributes.Fabric are columns of one member each
//	category                 a path: apparel/shirts
//	tags                     separated by semicolons or commas, or a JSON array
//	publish_at, unpublish_at RFC 3339 times: 2026-01-02T03:04:05Z
//	images                   a JSON array as in a product, or URLs separated by commas
//
// # Other columns
//
// With a map the columns that it names are read and the others told in a warning. Besides our own
// columns its fields are
//
//	weight_kg, weight_lb, weight_oz   numbers
//	option_name.N, option_value.N     one option, whose name stands in a column of its own; N is
//	attribute_name.N, …_value.N       any text that joins the two. A blank name means none
//	attribute_pairs                   attributes as Magento writes them: fabric=cotton,size=M;
//	                                  others stay what they are
//
// One of such pairs is a column, too, and named COLUMN[NAME]. Several columns may go into tags and
// into images. Files of other shops say some things differently, and these are understood: a status
// as yes, no, 1, 0, 2 (which is no), enabled or disabled; a backorder as notify or 2 (which are yes);
// amounts and stocks with zeros behind the point; a stock of "parent", which says nothing; images
// below [Config].ImageBase; several categories like Clothing > Tshirts or Default Category/Gear, of
// which the first counts, or what is below it; and a blank price beside a compare_at, which then is
// the price.
//
// WooCommerce's export (its Product CSV Import Schema), in which a variable product has no price
// and is refused, for its variations are the products:
//
//	SKU:sku, Name:name, Description:description, Published:status, Sale price:price,
//	Regular price:compare_at, Stock:stock, Backorders allowed?:backorder, Parent:group,
//	Categories:category, Tags:tags, Images:images, Weight (kg):weight_kg,
//	Attribute 1 name:option_name.1, Attribute 1 value(s):option_value.1, …
//
// Magento's (its Product attributes reference), which names variants at their parent only, so that
// they have options and no group here; its images lie in the shop's media/catalog/product:
//
//	sku:sku, name:name, description:description, product_online:status, special_price:price,
//	price:compare_at, qty:stock, allow_backorders:backorder, categories:category,
//	base_image:images, additional_images:images, weight:weight_kg,
//	additional_attributes:attribute_pairs, additional_attributes[size]:options.Size, …
//
// # NDJSON
//
// Each line is a product as the API shows it, with stock as a number. Members that it lacks stay
// what they are; options and attributes are replaced as a whole.
//
// # Formulas
//
// A spreadsheet runs cells that begin with =, +, -, @, a tab or a line break (OWASP, CSV Injection).
// An export puts an apostrophe before those, and before cells that begin with an apostrophe; an
// import of our own or mapped columns takes one off again if one of these follows it. So every text comes back as it was.
//
// # Encodings
//
// Files are UTF-8, with or without a byte order mark, or UTF-16, which is recognised. For
// Windows-1252, which cannot be told from others, see [Config]. Lines end in LF, CRLF or CR.
//
// # Shopify's columns
//
// Both the columns of older exports (Handle, Variant SKU) and their later names (URL handle,
// SKU) are understood, in any order, whatever their case. Handle, Title and Variant Price must
// be there. A column that the file lacks leaves a known product's member as it is; a blank
// cell empties it.
//
//	Handle                     group, of every product, and part of a made SKU
//	Title                      name
//	Body (HTML)                description, HTML as it is
//	Vendor, Tags               vendor, tags (separated by commas)
//	Status, Published          status: that of Status, but a product that is not published is a
//	                           draft; a blank Published means true, as in Shopify
//	Product Category           category, its levels parted by ">"; without it Google's category
//	                           if that is a path and no number; without both, Type
//	Option1–3 Name, Value      options; Title = Default Title means none
//	Variant SKU                sku; if blank one is made, see below
//	Variant Grams              weight_grams, rounded
//	Variant Inventory Qty      stock; blank leaves it alone. Below zero it is 0, with a warning,
//	                           unless the policy is continue
//	Variant Inventory Policy   backorder: continue is true, deny is false
//	Variant Price              price, a decimal number in major units of [Config].Currency
//	Variant Compare At Price   compare_at; zero means none
//	Variant Barcode            barcode, without the apostrophe that spreadsheets put in front. A
//	                           code that is no GTIN is kept as attribute variant_barcode, with a
//	                           warning
//	Image Src, Position,       images of all the handle's products, by position; the first 50 are
//	Alt Text; Variant Image    kept, with a warning. A variant's own image comes first
//
// What only Shopify's checkout uses (tracker, fulfillment service, shipping, tax and weight
// unit), Cost per item, which is nobody else's business, and prices per market are left out.
// Every other cell that is not blank becomes an attribute named after its column: SEO Title is
// seo_title. Those whose column begins with "Variant" belong to their row, others to all rows of
// the handle.
//
// The rows of a handle stand together. Its first row carries what the others leave blank. A row
// without price, option value and SKU adds its image and nothing else.
//
// # Made SKUs
//
// A blank SKU is made of the handle and the option values, joined by points:
// classic-varsity-top.Small. A space becomes an underscore. If any other character had to be
// replaced, or the whole is longer than 64 characters, it is cut and ends in a tilde and 80 bits of
// a hash in hexadecimal digits, so that different variants never share a SKU. It depends on nothing else, and is
// thus the same in every run.
//
// Two rows of a file may not have the same SKU, which Shopify allows: the second would overwrite
// the first, again with each import. It is refused, as far as it repeats one of the first 262,144.
package feed
