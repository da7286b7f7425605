// Package sessmem has a pool for pgx whose connections act in the session of the context that asks for them.
//
//	ctx = sessmem.WithSession(ctx, token)
//	pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error { ... })
//
// The session is attached in Acquire, and detached in the pool's AfterRelease, which pgxpool waits for before anybody
// else gets the connection. The pool's BeforeAcquire would attach in the right context, too, but cannot say why it
// failed: pgx 4 would try one new connection after the other for as long as the context lasts.
package sessmem

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

// ErrNoSession is what a context gets that says nothing of a session.
var ErrNoSession = errors.New("no session: use a context of sessmem.WithSession(ctx, token), or of sessmem.WithoutSession(ctx) if it needs none")

type key struct{}

type scope struct {
	token string
	none  bool
}

// WithSession returns a context that acts in the session of the token.
func WithSession(ctx context.Context, token string) context.Context {
	return context.WithValue(ctx, key{}, scope{token: token})
}

// WithoutSession returns a context that acts in no session: protected tables are empty for it, and cannot be written.
func WithoutSession(ctx context.Context) context.Context {
	return context.WithValue(ctx, key{}, scope{none: true})
}

func scopeOf(ctx context.Context) (scope, error) {
	current, _ := ctx.Value(key{}).(scope)
	if current.token == "" && !current.none {
		return current, ErrNoSession
	}
	return current, nil
}

// Pool hands out connections that are attached.
type Pool struct {
	pool *pgxpool.Pool
}

// Connect makes a pool. An AfterRelease of the configuration's own is called when the session has ended.
func Connect(ctx context.Context, config *pgxpool.Config) (*Pool, error) {
	config = config.Copy()
	own := config.AfterRelease
	config.AfterRelease = func(conn *pgx.Conn) bool {
		// not the context of the caller, who is gone
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, err := conn.Exec(ctx, "SELECT sessmem.detach()")
		return err == nil && (own == nil || own(conn)) // false: the pool closes it
	}
	pool, err := pgxpool.ConnectConfig(ctx, config) // pgx 5: NewWithConfig
	if err != nil {
		return nil, err
	}
	return &Pool{pool}, nil
}

// Acquire returns a connection that is attached to the session of the context.
func (p *Pool) Acquire(ctx context.Context) (*pgxpool.Conn, error) {
	current, err := scopeOf(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if current.none {
		_, err = conn.Exec(ctx, "SELECT sessmem.detach()")
	} else {
		_, err = conn.Exec(ctx, "SELECT sessmem.attach($1)", current.token)
	}
	if err != nil {
		conn.Conn().Close(ctx) // the pool opens another one in its place
		conn.Release()
		return nil, err
	}
	return conn, nil
}

// AcquireFunc calls the work with a connection that is attached to the session of the context.
func (p *Pool) AcquireFunc(ctx context.Context, work func(*pgxpool.Conn) error) error {
	conn, err := p.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return work(conn)
}

// Close closes the pool.
func (p *Pool) Close() { p.pool.Close() }

// InTransaction calls the work in a transaction that is bound to the session of the context, on any pool: behind a
// pooler in transaction mode nothing else is right.
func InTransaction(ctx context.Context, pool *pgxpool.Pool, options pgx.TxOptions, work func(pgx.Tx) error) error {
	current, err := scopeOf(ctx)
	if err != nil {
		return err
	}
	tx, err := pool.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx) // nothing is left to roll back after the commit
	if !current.none {
		if _, err := tx.Exec(ctx, "SELECT sessmem.bind($1)", current.token); err != nil {
			return err
		}
	}
	if err := work(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}
