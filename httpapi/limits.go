package httpapi

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/productkit-go/productkit/internal/productjson"
	"github.com/productkit-go/productkit/product"
	"github.com/productkit-go/productkit/product/feed"
)

// limit is one bound of this instance under its name in JSON, which ends with the unit. Its value
// is a number, or null where nothing is bounded.
type limit struct {
	name  string
	value string
}

// limits says what bounds requests to h, in groups. Every constant Max… and Default… of package
// product and every number among the options stands here; a test holds this.
func (h *Handler) limits() []struct {
	group  string
	limits []limit
} {
	own, l, file := h.opts, h.svc.Limits(), feed.Config{}.WithDefaults()
	return []struct {
		group  string
		limits []limit
	}{
		{"product", []limit{
			{"sku_characters", count(product.MaxSKULen)},
			{"name_characters", count(product.MaxNameLen)},
			{"description_bytes", count(product.MaxDescriptionLen)},
			{"tags", count(product.MaxTags)},
			{"tag_characters", count(product.MaxTagLen)},
			{"images", count(product.MaxImages)},
			{"image_url_bytes", count(product.MaxURLLen)},
			{"image_alt_characters", count(product.MaxAltLen)},
			{"options", count(product.MaxOptions)},
			{"option_characters", count(product.MaxOptionLen)},
			{"attributes_bytes", count(product.MaxAttributesLen)},
			{"quantity", count(product.MaxQuantity)},
			{"reason_characters", count(product.MaxReasonLen)},
		}},
		{"requests", []limit{
			{"body_bytes", count(own.MaxBodyBytes)},
			{"json_levels", count(productjson.MaxDepth)},
			{"timeout_seconds", seconds(own.Timeout)},
			{"reads_at_once", count(own.MaxReads)},
			{"writes_at_once", count(own.MaxWrites)},
		}},
		{"lists", []limit{
			{"page", count(product.MaxLimit)},
			{"page_default", count(product.DefaultLimit)},
			{"counted", count(product.MaxCount)},
			{"lookup", count(product.MaxLookup)},
			{"search_characters", count(product.MaxTextLen)},
			{"search_hits", count(product.MaxHits)},
			{"categories", count(product.MaxCategories)},
		}},
		{"batch", []limit{
			{"operations", count(product.MaxBatch)},
			{"atomic_bytes", count(product.MaxAtomicBytes)},
			{"group_variants", count(product.MaxVariants)},
		}},
		{"idempotency", []limit{
			{"key_characters", count(product.MaxIdempotencyKeyLen)},
			{"kept_seconds", seconds(l.Store.KeepIdempotency)},
		}},
		{"reservations", []limit{
			{"key_characters", count(product.MaxReservationKeyLen)},
			{"products", count(product.MaxReservationItems)},
			{"expiry_seconds", seconds(product.MaxExpiry)},
			{"expiry_default_seconds", seconds(product.DefaultExpiry)},
			{"kept_seconds", seconds(l.Store.KeepReservations)},
		}},
		{"changes", []limit{
			{"page", count(product.MaxChanges)},
			{"page_default", count(product.DefaultChanges)},
			{"wait_seconds", seconds(own.MaxWait)},
			{"heartbeat_seconds", seconds(own.Heartbeat)},
			{"idle_seconds", seconds(own.FollowIdle)},
			{"at_once", count(own.MaxFollowers)},
			{"poll_seconds", seconds(l.Service.FollowInterval)},
			{"kept_seconds", seconds(l.Service.KeepChanges)},
		}},
		{"files", []limit{
			{"imports_at_once", count(own.MaxImports)},
			{"exports_at_once", count(own.MaxExports)},
			{"idle_seconds", seconds(own.ImportIdle)},
			{"record_bytes", count(file.MaxRecordBytes)},
			{"merged_at_once", count(file.BatchSize)},
			{"merges_at_once", count(file.Batches)},
			{"progress_seconds", seconds(file.ProgressEvery)},
		}},
		{"database", []limit{
			{"waiting", count(l.Service.MaxWaiting)},
			{"batch_timeout_seconds", seconds(l.Service.BatchTimeout)},
			{"lock_wait_seconds", seconds(l.Store.LockWait)},
			{"settle_seconds", seconds(l.Store.SettleTimeout)},
			{"read_batches", count(l.Service.ReadBatches)},
			{"read_batch", count(l.Service.ReadBatchSize)},
			{"write_batches", count(l.Service.WriteBatches)},
			{"write_batch", count(l.Service.WriteBatchSize)},
			{"write_batch_bytes", count(l.Service.WriteBatchBytes)},
		}},
	}
}

func count[T int | int64](n T) string {
	if n < 0 || int64(n) == math.MaxInt {
		return "null"
	}
	return strconv.FormatInt(int64(n), 10)
}

func seconds(d time.Duration) string {
	if d < 0 {
		return "null"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}

func (h *Handler) getLimits(w http.ResponseWriter, _ *http.Request) error {
	buf := getBuffer()
	defer putBuffer(buf)
	b := append(buf.b, '{')
	for i, g := range h.limits() {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(productjson.AppendString(b, g.group), ':', '{')
		for k, l := range g.limits {
			if k > 0 {
				b = append(b, ',')
			}
			b = append(productjson.AppendString(b, l.name), ':')
			b = append(b, l.value...)
		}
		b = append(b, '}')
	}
	buf.b = append(b, '}')
	w.Header()["Cache-Control"] = h.headers.revalidate
	h.write(w, http.StatusOK, h.headers.json, buf.b)
	return nil
}
