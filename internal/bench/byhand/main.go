// Command byhand is the server that one would write by hand in an afternoon, and the baseline of
// "make bench-http": net/http, database/sql with five connections and prepared statements, and
// encoding/json. It checks nothing and keeps no history. With DRIVER=sqlite it has eight connections to
// a file, as examples/server.
package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/google/uuid"
	_ "modernc.org/sqlite"
)

// Product has the members that a product of examples/server shows.
type Product struct {
	ID          uuid.UUID `json:"id"`
	SKU         string    `json:"sku"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Status      string    `json:"status"`
	Price       Price     `json:"price"`
	Backorder   bool      `json:"backorder"`
	Category    string    `json:"category,omitempty"`
	Tags        []string  `json:"tags,omitempty"`
	Vendor      string    `json:"vendor,omitempty"`
	Version     int64     `json:"version"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// Price is in minor units.
type Price struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

const columns = "id, sku, name, description, status, price, currency, backorder, category, tags, vendor, version, created_at, updated_at"

type server struct{ get, page, insert, sell *sql.Stmt }

func main() {
	driver, connections := "mysql", 5
	if os.Getenv("DRIVER") == "sqlite" {
		driver, connections = "sqlite", 8
	}
	if n, err := strconv.Atoi(os.Getenv("CONNECTIONS")); err == nil {
		connections = n
	}
	db, err := sql.Open(driver, os.Getenv("DSN"))
	check(err)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	s := &server{
		get:    prepare(db, "SELECT "+columns+" FROM byhand WHERE id = ?"),
		page:   prepare(db, "SELECT "+columns+" FROM byhand WHERE category = ? AND id > ? ORDER BY id LIMIT 20"),
		insert: prepare(db, "INSERT INTO byhand ("+columns+", stock) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"),
		sell:   prepare(db, "UPDATE byhand SET stock = stock + ? WHERE id = ? AND stock + ? >= 0"),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/products/{id}", s.getProduct)
	mux.HandleFunc("GET /v1/products", s.listProducts)
	mux.HandleFunc("POST /v1/products", s.createProduct)
	mux.HandleFunc("POST /v1/products/{id}/stock", s.changeStock)
	log.Fatal(http.ListenAndServe(os.Getenv("LISTEN"), mux))
}

func (s *server) getProduct(w http.ResponseWriter, r *http.Request) {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		http.Error(w, "bad id", http.StatusBadRequest)
		return
	}
	p, err := scan(s.get.QueryRowContext(r.Context(), id[:]))
	answer(w, http.StatusOK, p, err)
}

func (s *server) listProducts(w http.ResponseWriter, r *http.Request) {
	after, _ := uuid.Parse(r.URL.Query().Get("after"))
	rows, err := s.page.QueryContext(r.Context(), r.URL.Query().Get("category"), after[:])
	if err != nil {
		answer(w, 0, nil, err)
		return
	}
	defer rows.Close()
	page := []*Product{}
	for rows.Next() {
		p, err := scan(rows)
		if err != nil {
			answer(w, 0, nil, err)
			return
		}
		page = append(page, p)
	}
	answer(w, http.StatusOK, map[string]any{"items": page}, rows.Err())
}

func (s *server) createProduct(w http.ResponseWriter, r *http.Request) {
	p := &Product{ID: uuid.Must(uuid.NewV7()), Status: "draft", Version: 1}
	if err := json.NewDecoder(r.Body).Decode(p); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	now := time.Now().UTC()
	p.CreatedAt, p.UpdatedAt = now, now
	tags, err := json.Marshal(p.Tags)
	if err != nil {
		answer(w, 0, nil, err)
		return
	}
	_, err = s.insert.ExecContext(r.Context(), p.ID[:], p.SKU, p.Name, p.Description, p.Status, p.Price.Amount, p.Price.Currency, p.Backorder,
		p.Category, tags, p.Vendor, p.Version, now.UnixMicro(), now.UnixMicro())
	answer(w, http.StatusCreated, p, err)
}

func (s *server) changeStock(w http.ResponseWriter, r *http.Request) {
	id, err := uuid.Parse(r.PathValue("id"))
	var change struct{ Delta int64 }
	if err := errors.Join(err, json.NewDecoder(r.Body).Decode(&change)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	result, err := s.sell.ExecContext(r.Context(), change.Delta, id[:], change.Delta)
	if err != nil {
		answer(w, 0, nil, err)
		return
	}
	if n, _ := result.RowsAffected(); n == 0 {
		http.Error(w, "too little", http.StatusConflict)
		return
	}
	answer(w, http.StatusOK, map[string]bool{"done": true}, nil)
}

func scan(row interface{ Scan(...any) error }) (*Product, error) {
	var p Product
	var id, tags []byte
	var created, updated int64
	err := row.Scan(&id, &p.SKU, &p.Name, &p.Description, &p.Status, &p.Price.Amount, &p.Price.Currency, &p.Backorder,
		&p.Category, &tags, &p.Vendor, &p.Version, &created, &updated)
	if err != nil {
		return nil, err
	}
	copy(p.ID[:], id)
	p.CreatedAt, p.UpdatedAt = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
	if len(tags) == 0 {
		return &p, nil
	}
	return &p, json.Unmarshal(tags, &p.Tags)
}

func answer(w http.ResponseWriter, status int, v any, err error) {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		http.Error(w, "not found", http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func prepare(db *sql.DB, query string) *sql.Stmt {
	stmt, err := db.Prepare(query)
	check(err)
	return stmt
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
