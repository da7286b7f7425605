// The scenario with pgx: through package sessmem, transaction by transaction, and with the wrong hooks.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"

	"sessmem"
)

const (
	tasks       = 100
	steps       = 10 // 1 000 operations
	connections = 4
	ask         = "SELECT coalesce(sessmem.session_id(), 'none')"
)

var (
	ctx            = context.Background()
	users          = []string{"alice", "bob"}
	passed, failed int
	admin, login   *pgxpool.Pool
)

func check(what string, holds bool, seen ...interface{}) {
	if holds {
		passed++
		fmt.Println("ok -", what)
	} else {
		failed++
		fmt.Println("not ok -", what, "\n    got:", fmt.Sprint(seen...))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// config is for a role, at the server itself or at the pooler.
func config(user, host string, size int32) *pgxpool.Config {
	c, err := pgxpool.ParseConfig(fmt.Sprintf("host=%s user=%s", host, user))
	must(err)
	c.MaxConns = size
	return c
}

func server() string { return os.Getenv("PGHOST") }

func connect(c *pgxpool.Config) *pgxpool.Pool {
	pool, err := pgxpool.ConnectConfig(ctx, c)
	must(err)
	return pool
}

// outcome is what an operation comes to: nil, or the SQLSTATE or text of its error.
func outcome(err error) string {
	var refused *pgconn.PgError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &refused):
		return refused.Code
	case errors.Is(err, sessmem.ErrNoSession):
		return "ErrNoSession"
	case errors.Is(err, context.Canceled):
		return "Canceled"
	}
	return err.Error()
}

func adminAsks(sql string, args ...interface{}) (answer string) {
	must(admin.QueryRow(ctx, sql, args...).Scan(&answer))
	return answer
}

func openSession(user, id, ttl string) (token string) {
	must(login.QueryRow(ctx, "SELECT sessmem.open_session($1, session_id => $2, ttl => $3::text::interval)", user, id, ttl).Scan(&token))
	return token
}

func running(text string) string {
	for i := 0; i < 300; i++ {
		pid := adminAsks("SELECT coalesce(max(pid), 0)::text FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()", "%"+text+"%")
		if pid != "0" {
			return pid
		}
		time.Sleep(50 * time.Millisecond)
	}
	panic(text)
}

type client interface {
	remember(context.Context, string) error
	recall(context.Context) ([]message, error)
	run(context.Context, string) (string, error) // any one statement: the first column of its row
}

func (m messages) run(ctx context.Context, sql string) (answer string, err error) {
	err = m.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error { return conn.QueryRow(ctx, sql).Scan(&answer) })
	return answer, err
}

func (m boundMessages) run(ctx context.Context, sql string) (answer string, err error) {
	err = sessmem.InTransaction(ctx, m.pool, pgx.TxOptions{}, func(tx pgx.Tx) error { return tx.QueryRow(ctx, sql).Scan(&answer) })
	return answer, err
}

// each calls a function so many times at once, and returns what they return.
func each(times int, call func(int) string) []string {
	all := make([]string, times)
	var wait sync.WaitGroup
	for i := range all {
		wait.Add(1)
		go func(i int) { defer wait.Done(); all[i] = call(i) }(i)
	}
	wait.Wait()
	return all
}

func same(all []string, one string) bool {
	for _, other := range all {
		if other != one {
			return false
		}
	}
	return len(all) > 0
}

func scenario(name string, c client, pooler bool) map[string]context.Context {
	fmt.Println("\n" + name)
	in := map[string]context.Context{"": sessmem.WithoutSession(ctx)}
	for _, user := range users {
		in[user] = sessmem.WithSession(ctx, openSession(user, user+": "+name, "1 hour"))
	}
	var wrong int64
	each(tasks, func(number int) string {
		user := users[number%2]
		mine := map[string]bool{}
		for step := 0; step < steps; step++ {
			if step%2 == 0 {
				content := fmt.Sprintf("%s %d.%d", user, number, step)
				if c.remember(in[user], content) != nil {
					atomic.AddInt64(&wrong, 1)
				}
				mine[content] = true
				continue
			}
			rows, err := c.recall(in[user])
			own := 0
			bad := err != nil
			for _, row := range rows {
				bad = bad || row.session != user+": "+name || !strings.HasPrefix(row.content, user)
				if mine[row.content] {
					own++
				}
			}
			if bad || own != len(mine) {
				atomic.AddInt64(&wrong, 1)
			}
		}
		return ""
	})
	check(fmt.Sprintf("%d tasks of two users, %d operations: 0 wrong", tasks, tasks*steps), wrong == 0, wrong)
	for first, user := range users {
		var expected, seen []string
		for number := first; number < tasks; number += 2 {
			for step := 0; step < steps; step += 2 {
				expected = append(expected, fmt.Sprintf("%s %d.%d", user, number, step))
			}
		}
		rows, _ := c.recall(in[user])
		for _, row := range rows {
			seen = append(seen, row.content)
		}
		sort.Strings(expected)
		sort.Strings(seen)
		check(user+" has all that "+user+" wrote", strings.Join(expected, ",") == strings.Join(seen, ","), len(seen))
	}
	count := adminAsks("SELECT count(*)::text FROM pg_stat_activity WHERE usename = 'app'")
	check("with 4 connections", count <= "4", count)

	_, err := c.recall(ctx)
	check("where nobody said a session, a read is an error", outcome(err) == "ErrNoSession", err)
	check("... and a write", outcome(c.remember(ctx, "whose?")) == "ErrNoSession")
	_, err = c.recall(sessmem.WithSession(ctx, ""))
	check("... and an empty token", outcome(err) == "ErrNoSession", err)
	rows, err := c.recall(in[""])
	check("where none is meant, a read finds nothing", len(rows) == 0 && err == nil, rows, err)
	check("... and a write is refused", outcome(c.remember(in[""], "whose?")) == "42501")

	clean := func(after string) {
		asked := []string{"alice", "bob", ""}
		seen := each(12, func(i int) string {
			answer, err := c.run(in[asked[i%3]], "SELECT concat(sessmem.session_id(), '/', count(*)) FROM messages, pg_sleep(0.05)")
			if asked[i%3] == "" {
				return fmt.Sprint(answer == "/0", err)
			}
			return fmt.Sprint(answer == fmt.Sprintf("%s: %s/%d", asked[i%3], name, tasks*steps/4), err)
		})
		check("after "+after+" every connection is clean", same(seen, "true <nil>"), seen)
	}
	fails := func(in context.Context, sql, code, what string) {
		seen := each(8, func(int) string { _, err := c.run(in, sql); return outcome(err) })
		check(what, same(seen, code), seen)
	}
	fails(in["alice"], "SELECT (1 / 0)::text", "22012", "a statement fails in eight tasks")
	clean("an error")

	cancelled, cancel := context.WithCancel(in["alice"])
	done := make(chan string)
	go func() { _, err := c.run(cancelled, "SELECT pg_sleep(60)::text"); done <- outcome(err) }()
	pid := running("pg_sleep(60)")
	cancel()
	seen := <-done
	check("a context is cancelled in the middle of a statement", seen == "Canceled", seen)
	clean("a cancelled context")
	adminAsks("SELECT coalesce(bool_or(pg_terminate_backend(pid)), false)::text FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(60)%' AND pid = $1::text::integer", pid)

	expired := sessmem.WithSession(ctx, openSession("alice", name+" for a second", "1 second"))
	time.Sleep(1200 * time.Millisecond)
	fails(expired, "SELECT '1'", "28000", "an expired token is refused in eight tasks")
	clean("an expired token")

	if !pooler {
		go func() { _, err := c.run(in["alice"], "SELECT pg_sleep(61)::text"); done <- outcome(err) }()
		adminAsks("SELECT pg_terminate_backend($1::text::integer)::text", running("pg_sleep(61)"))
		seen = <-done
		check("a connection is lost while it is used", seen == "57P01", seen)
		clean("a lost connection")
	}
	return in
}

func edges(in map[string]context.Context) {
	fmt.Println("\nsessmem.Pool: connections that are not as they should be")
	size := config("app", server(), 1)
	pool, err := sessmem.Connect(ctx, size)
	must(err)
	one := messages{pool}
	first, _ := one.run(in["alice"], "SELECT pg_backend_pid()::text")
	must(pool.AcquireFunc(in["alice"], func(conn *pgxpool.Conn) error {
		tx, err := conn.Begin(ctx)
		must(err)
		must(tx.Rollback(ctx))
		var seen string
		must(conn.QueryRow(ctx, ask).Scan(&seen))
		check("a rollback does not end the session", strings.HasPrefix(seen, "alice"), seen)
		return nil
	}))
	same, _ := one.run(in["bob"], "SELECT pg_backend_pid()::text")
	check("until here one connection was enough", first == same, first, same)
	must(pool.AcquireFunc(in["alice"], func(conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, "BEGIN; INSERT INTO messages (content) VALUES ('not committed')")
		return err
	}))
	left, err := one.run(in["alice"], "SELECT count(*)::text FROM messages WHERE content = 'not committed'")
	check("what was not committed when it came back is gone", left == "0", left, err)
	first, _ = one.run(in["alice"], "SELECT pg_backend_pid()::text")
	_, err = admin.Exec(ctx, "REVOKE EXECUTE ON FUNCTION sessmem.detach() FROM app")
	must(err)
	one.run(in["alice"], ask)
	// Release() does not wait for AfterRelease; whoever comes next does
	for i := 0; i < 500 && adminAsks("SELECT count(*)::text FROM pg_stat_activity WHERE pid = $1::text::integer", first) != "0"; i++ {
		time.Sleep(10 * time.Millisecond)
	}
	_, err = admin.Exec(ctx, "GRANT EXECUTE ON FUNCTION sessmem.detach() TO app")
	must(err)
	second, _ := one.run(in["alice"], "SELECT pg_backend_pid()::text")
	check("a connection that cannot detach is closed", first != second, first, second)
	pool.Close()
}

func controls(in map[string]context.Context) {
	fmt.Println("\nThe hooks of pgxpool")
	attach := func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SELECT sessmem.attach($1)", ctx.Value("token"))
		return err
	}
	tokens := map[string]context.Context{}
	for _, user := range users {
		tokens[user] = context.WithValue(ctx, "token", openSession(user, user+" and hooks", "1 hour")) //nolint
	}
	reads := func(c *pgxpool.Config) (wrong int) {
		var seen string
		pool, err := pgxpool.ConnectConfig(tokens["alice"], c)
		must(err)
		defer pool.Close()
		must(pool.QueryRow(tokens["alice"], ask).Scan(&seen))
		for i := 0; i < 10; i++ {
			must(pool.QueryRow(tokens["bob"], ask).Scan(&seen))
			if !strings.HasPrefix(seen, "bob") {
				wrong++
			}
		}
		return wrong
	}
	c := config("app", server(), 1)
	c.AfterConnect = attach
	wrong := reads(c)
	check("AfterConnect: 10 of 10 of bob's reads are in alice's session", wrong == 10, wrong)
	c = config("app", server(), 1)
	c.BeforeAcquire = func(ctx context.Context, conn *pgx.Conn) bool { return attach(ctx, conn) == nil }
	wrong = reads(c)
	check("BeforeAcquire: all are in bob's", wrong == 0, wrong)

	var opened int64
	c.AfterConnect = func(context.Context, *pgx.Conn) error { atomic.AddInt64(&opened, 1); return nil }
	pool := connect(c)
	limited, cancel := context.WithTimeout(context.WithValue(ctx, "token", "refused"), time.Second)
	_, err := pool.Exec(limited, ask)
	cancel()
	pool.Close()
	check("... but a refused token opens connections until the context ends", errors.Is(err, context.DeadlineExceeded) && opened > 5, opened, err)
	sure, err := sessmem.Connect(ctx, config("app", server(), 1))
	must(err)
	_, err = sure.Acquire(sessmem.WithSession(ctx, "refused"))
	check("sessmem.Pool tells why", outcome(err) == "28000", err)
	sure.Close()

	fmt.Println("\nWhere the token is to be seen")
	for _, simple := range []bool{false, true} {
		one, other := connect(config("app", server(), 1)), connect(config("app", server(), 1))
		conn, err := one.Acquire(ctx)
		must(err)
		token, _ := tokens["alice"].Value("token").(string)
		arguments := []interface{}{token}
		if simple {
			arguments = []interface{}{pgx.QuerySimpleProtocol(true), token}
		}
		_, err = conn.Exec(ctx, "SELECT sessmem.attach($1)", arguments...)
		must(err)
		var seen bool
		must(other.QueryRow(ctx, "SELECT query LIKE '%' || $2::text || '%' FROM pg_stat_activity WHERE pid = $1", int32(conn.Conn().PgConn().PID()), token).Scan(&seen))
		check(fmt.Sprintf("simple protocol %v: the token is in pg_stat_activity %v", simple, seen), seen == simple)
		conn.Release()
		one.Close()
		other.Close()
	}
}

func main() {
	admin, login = connect(config("postgres", server(), 2)), connect(config("login_service", server(), 2))
	pool, err := sessmem.Connect(ctx, config("app", server(), connections))
	must(err)
	in := scenario("sessmem.Pool", messages{pool}, false)
	rows, err := messages{pool}.answer(ctx, openSession("carol", "carol", "1 hour"), "one more")
	check("the example answers", len(rows) == 1 && rows[0] == message{"carol", "one more"}, rows, err)
	pool.Close()
	bound, err := connectThroughPooler(ctx, config("app", os.Getenv("BOUNCER"), connections))
	must(err)
	scenario("sessmem.InTransaction, behind PgBouncer", bound, true)
	bound.pool.Close()
	edges(in)
	controls(in)
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
