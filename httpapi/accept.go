package httpapi

import (
	"mime"
	"strconv"
	"strings"
)

const mediaEventStream = "text/event-stream"

// wantsStream reports whether a client prefers events to JSON by its Accept fields (RFC 9110,
// section 12.5.1). It has to name them, for */* means nothing in particular.
func wantsStream(accept []string) (bool, error) {
	if strings.Join(accept, "") == "" {
		return false, nil
	}
	json, stream := quality(accept, mediaJSON), quality(accept, mediaEventStream)
	switch {
	case json.q <= 0 && stream.q <= 0:
		return false, errNotAcceptable
	case json.q <= 0:
		return true, nil
	}
	return stream.exact && stream.q >= json.q, nil
}

// weight is what a client thinks of a media type.
type weight struct {
	q     float64
	exact bool
}

// quality returns the weight of the most specific range that a media type falls into, 0 if there
// is none.
func quality(accept []string, media string) (w weight) {
	kind, _, _ := strings.Cut(media, "/")
	best := 0
	for element := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		name, params, err := mime.ParseMediaType(element)
		specific := map[string]int{"*/*": 1, kind + "/*": 2, media: 3}[name]
		if err != nil || specific <= best {
			continue
		}
		best = specific
		w = weight{q: 1, exact: specific == 3}
		if q, err := strconv.ParseFloat(params["q"], 64); err == nil {
			w.q = q
		}
	}
	return w
}
