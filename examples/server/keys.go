package main

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"

	"github.com/productkit-go/productkit/httpapi"
)

// minKeyLen is below what a key of chance has: who makes up a short one is told.
const minKeyLen = 20

// apiKey is one that the server takes. Only its hash is kept. Keys are made by chance and long, so a
// fast hash hides them as well as a slow one.
type apiKey struct {
	name   string // the actor
	writes bool
	hash   [sha256.Size]byte
}

// keyring holds the keys of the moment.
type keyring struct {
	load func() ([]apiKey, error)
	keys atomic.Pointer[[]apiKey]
}

// newKeyring returns the keys of the configuration; nil if everybody may do everything.
func newKeyring(c config) (*keyring, error) {
	if !c.hasKeys() {
		return nil, nil
	}
	k := &keyring{load: func() ([]apiKey, error) { return parseKeys("API_KEYS", strings.Split(c.APIKeys, ","), secretKey) }}
	if c.APIKeysFile != "" {
		k.load = func() ([]apiKey, error) { return readKeys(c.APIKeysFile) }
	}
	return k, k.reload()
}

// reload reads the keys again; if they are wrong, those of before stay.
func (k *keyring) reload() error {
	keys, err := k.load()
	if err == nil {
		k.keys.Store(&keys)
	}
	return err
}

// authorize is the [httpapi.Options].Authorize of a server with keys.
func (k *keyring) authorize(r *http.Request, op httpapi.Operation) (actor string, err error) {
	key := k.of(r)
	switch {
	case key == nil:
		return "", httpapi.ErrUnauthenticated
	case op.Writes && !key.writes:
		return "", httpapi.ErrForbidden
	}
	return key.name, nil
}

// of returns the key of a request: Authorization: Bearer KEY, or X-API-Key: KEY. It looks at all keys
// and compares all bytes, so that the time it takes tells nothing.
func (k *keyring) of(r *http.Request) *apiKey {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		secret = r.Header.Get("X-API-Key")
	}
	hash := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	keys := *k.keys.Load()
	var found *apiKey
	for i := range keys {
		if subtle.ConstantTimeCompare(hash[:], keys[i].hash[:]) == 1 {
			found = &keys[i]
		}
	}
	return found
}

// readKeys reads a file of keys: on each line a name, read or write, and sha256:HEX. What follows # is
// for people.
func readKeys(name string) ([]apiKey, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("API_KEYS_FILE: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	var lines []string
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		line, _, _ := strings.Cut(scanner.Text(), "#")
		lines = append(lines, strings.Join(strings.Fields(line), ":"))
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("API_KEYS_FILE: %s: %w", name, err)
	}
	return parseKeys("API_KEYS_FILE", lines, hashedKey)
}

var keyName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// parseKeys reads name:scope:key of each entry. Its errors never show a key.
func parseKeys(variable string, entries []string, hashOf func(string) ([sha256.Size]byte, error)) ([]apiKey, error) {
	var keys []apiKey
	seen := make(map[[sha256.Size]byte]string)
	for i, entry := range entries {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		wrong := func(format string, args ...any) ([]apiKey, error) {
			return nil, fmt.Errorf("%s: entry %d %s", variable, i+1, fmt.Sprintf(format, args...))
		}
		name, rest, _ := strings.Cut(entry, ":")
		scope, key, _ := strings.Cut(rest, ":")
		switch {
		case !keyName.MatchString(name):
			return wrong("has no name of 1 to 64 letters, digits and ._-; begin it like shop:write:…")
		case scope != "read" && scope != "write":
			return wrong("(%s) has neither the scope read nor write; begin it like shop:write:…", name)
		}
		hash, err := hashOf(key)
		if err != nil {
			return wrong("(%s) %v", name, err)
		}
		if other, ok := seen[hash]; ok {
			return wrong("(%s) has the key of %s; give each its own", name, other)
		}
		seen[hash] = name
		keys = append(keys, apiKey{name: name, writes: scope == "write", hash: hash})
	}
	if keys == nil {
		return nil, fmt.Errorf("%s holds no key; add one with server -new-key NAME:write", variable)
	}
	return keys, nil
}

func secretKey(key string) (hash [sha256.Size]byte, err error) {
	if len(key) < minKeyLen {
		return hash, fmt.Errorf("has a key of less than %d characters; make one with server -new-key NAME:write", minKeyLen)
	}
	return sha256.Sum256([]byte(key)), nil
}

func hashedKey(text string) (hash [sha256.Size]byte, err error) {
	digits, ok := strings.CutPrefix(text, "sha256:")
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != len(hash) {
		return hash, errors.New("has no sha256: with 64 hexadecimal digits; make it with server -new-key NAME:write")
	}
	return [sha256.Size]byte(b), nil
}

// newKey makes a key for name:scope and returns it and its line for a file of keys.
func newKey(who string) (key, line string, err error) {
	key = rand.Text() // 128 bits of chance
	if _, err := parseKeys("-new-key", []string{who + ":" + key}, secretKey); err != nil {
		return "", "", err
	}
	name, scope, _ := strings.Cut(who, ":")
	return key, fmt.Sprintf("%s %s sha256:%x", name, scope, sha256.Sum256([]byte(key))), nil
}
