package main

import (
	"context"

	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"

	"sessmem"
)

type message struct{ session, content string }

type messages struct{ pool *sessmem.Pool }

func (m messages) remember(ctx context.Context, content string) error {
	return m.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, "INSERT INTO messages (content) VALUES ($1)", content)
		return err
	})
}

func (m messages) recall(ctx context.Context) (all []message, err error) {
	err = m.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		rows, err := conn.Query(ctx, "SELECT session_id, content FROM messages")
		if err != nil {
			return err
		}
		all, err = scan(rows)
		return err
	})
	return all, err
}

func (m messages) answer(ctx context.Context, token, question string) ([]message, error) {
	ctx = sessmem.WithSession(ctx, token)
	if err := m.remember(ctx, question); err != nil {
		return nil, err
	}
	return m.recall(ctx)
}

func scan(rows pgx.Rows) (all []message, err error) {
	defer rows.Close()
	for rows.Next() {
		var one message
		if err := rows.Scan(&one.session, &one.content); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
