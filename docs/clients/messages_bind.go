package main

import (
	"context"

	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"

	"sessmem"
)

type boundMessages struct{ pool *pgxpool.Pool }

// A pooler in transaction mode keeps no prepared statements. (Not PreferSimpleProtocol: that has no bind parameters.)
func connectThroughPooler(ctx context.Context, config *pgxpool.Config) (boundMessages, error) {
	config.ConnConfig.BuildStatementCache = nil // pgx 5: config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	pool, err := pgxpool.ConnectConfig(ctx, config)
	return boundMessages{pool}, err
}

func (m boundMessages) remember(ctx context.Context, content string) error {
	return sessmem.InTransaction(ctx, m.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO messages (content) VALUES ($1)", content)
		return err
	})
}

func (m boundMessages) recall(ctx context.Context) (all []message, err error) {
	err = sessmem.InTransaction(ctx, m.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT session_id, content FROM messages")
		if err != nil {
			return err
		}
		all, err = scan(rows)
		return err
	})
	return all, err
}
