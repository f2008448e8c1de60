package compat_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"

	"github.com/productkit-go/productkit/pool"
)

func TestGormWorksOnThePool(t *testing.T) {
	t.Parallel()
	type Item struct {
		ID    int64
		SKU   string `gorm:"column:sku"`
		Name  *string
		Stock int
		Made  time.Time
	}
	type Review struct {
		ID     int64
		ItemID int64 `gorm:"index"`
		Text   string
	}
	for _, test := range []struct {
		name   string
		config gorm.Config
	}{
		{"plain", gorm.Config{}},
		{"with prepared statements", gorm.Config{PrepareStmt: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, p *pool.Pool) {
				config := test.config
				config.Logger = logger.Discard
				g, err := gorm.Open(mysql.New(mysql.Config{Conn: p.DB()}), &config)
				require.NoError(t, err)
				g = g.WithContext(t.Context())
				require.NoError(t, g.AutoMigrate(&Review{}))
				require.True(t, g.Migrator().HasIndex(&Review{}, "ItemID"))

				items := g.Table("item").Session(&gorm.Session{})
				together(t, func(n int) error { return items.Create(&Item{SKU: sku(n), Stock: n, Made: noon}).Error })
				var some []Item
				require.NoError(t, items.Where("stock >= ?", 6).Order("stock").Find(&some).Error)
				require.Len(t, some, 2)
				require.Equal(t, noon, some[0].Made.UTC())

				together(t, func(n int) error {
					return g.Transaction(func(tx *gorm.DB) error {
						var it Item
						if err := tx.Table("item").Clauses(clause.Locking{Strength: "UPDATE"}).Where("sku = ?", sku(0)).Take(&it).Error; err != nil {
							return err
						}
						return tx.Table("item").Where("id = ?", it.ID).Update("stock", it.Stock+1).Error
					})
				})
				undo := errors.New("undo")
				require.ErrorIs(t, g.Transaction(func(tx *gorm.DB) error {
					return errors.Join(tx.Create(&Review{ItemID: 1, Text: "good"}).Error, undo)
				}), undo)
				var reviews int64
				require.NoError(t, g.Model(&Review{}).Count(&reviews).Error)
				require.Zero(t, reviews)
				rows, sum := stock(t, p.DB())
				require.Equal(t, []int{8, 28 + 8}, []int{rows, sum})
				if test.config.PrepareStmt {
					g.ConnPool.(*gorm.PreparedStmtDB).Close()
				}
			})
		})
	}
}
