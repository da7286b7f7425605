"""psycopg 3, through sessmem.psycopg and by hand."""
import asyncio
import logging

import psycopg
import psycopg_pool
from common import Client, admin, check, finish, load, open_session, outcome, scenario
from sessmem import current_token, session, without_session
from sessmem.psycopg import AsyncSessionPool, SessionPool

print("psycopg", psycopg.__version__, "psycopg_pool", psycopg_pool.__version__)
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it tells of each connection that is closed
ASK = "SELECT sessmem.session_id()"


def runner(pool):
    def run(sql):
        with pool.connection() as connection:
            return connection.execute(sql).fetchall()
    return run


def idle(pool):
    """What idle connections hold, asked behind the pool's back."""
    held = []
    for connection in list(pool._pool):
        held.append(connection.execute(ASK).fetchone()[0])
        connection.rollback()
    return held


async def main():
    example = load("psycopg_pool")
    with example.pool:
        client = Client("SessionPool", example.remember, example.recall, runner(example.pool))
        tokens = await scenario(client)
        check("idle connections hold no session", set(idle(example.pool)) == {None})
        check("the example answers", await asyncio.to_thread(example.answer, tokens["alice"], "one more") != [])

    example = load("psycopg_async")
    async with example.pool:
        async def run(sql):
            async with example.pool.connection() as connection:
                return await (await connection.execute(sql)).fetchall()
        tokens = await scenario(Client("AsyncSessionPool", example.remember, example.recall, run, is_async=True))
        held = set()
        for connection in list(example.pool._pool):
            held.add((await (await connection.execute(ASK)).fetchone())[0])
            await connection.rollback()
        check("idle connections hold no session", held == {None}, held)
        check("the example answers", await example.answer(tokens["alice"], "one more") != [])

    example = load("psycopg_by_hand")
    with example.pool:
        def run(token, sql):
            with example.pool.connection() as connection, connection.transaction():
                if token:
                    connection.execute("SELECT sessmem.bind(%s)", [token])
                return connection.execute(sql).fetchall()
        await scenario(Client("psycopg by hand", example.remember, example.recall, run, by_hand=True))

    await edges(tokens)
    await controls(tokens)


async def edges(tokens):
    print("\nSessionPool: connections that are not as they should be")
    alice = tokens["alice"]
    with SessionPool(min_size=1, max_size=1, kwargs={"autocommit": True}, reset=lambda connection: connection.execute("DISCARD ALL")) as pool:
        seen = []
        for _ in range(20):
            with session(alice), pool.connection() as connection:
                seen.append(connection.execute(ASK, prepare=False).fetchone()[0])
        check("a pool in autocommit that resets with DISCARD ALL", set(seen) == {"alice: AsyncSessionPool"} and len(seen) == 20, seen)

    with SessionPool(min_size=1, max_size=1, timeout=10) as pool:
        with session(alice), pool.connection() as connection:
            connection.execute("SELECT 1")
            connection.rollback()
            check("a rollback does not end the session", connection.execute(ASK).fetchone()[0] is not None)
            first = connection.info.backend_pid
        with session(alice):
            connection = pool.getconn()
            connection.execute("INSERT INTO messages (content) VALUES ('not committed')")
            pool.putconn(connection)  # in its transaction
            with pool.connection() as connection:
                left = connection.execute("SELECT count(*) FROM messages WHERE content = 'not committed'").fetchone()[0]
        check("what was not committed when it came back is rolled back", left == 0)
        check("... and the connection is clean", idle(pool) == [None])

        admin.execute("REVOKE EXECUTE ON FUNCTION sessmem.detach() FROM app")
        with session(alice), pool.connection() as connection:
            check("until here one connection was enough", connection.info.backend_pid == first)
        admin.execute("GRANT EXECUTE ON FUNCTION sessmem.detach() TO app")
        with session(alice), pool.connection() as connection:
            second = connection.info.backend_pid
        check("a connection that cannot detach is closed", second != first)
        with session(alice):
            connection = pool.getconn()
            connection.execute("SELECT pg_sleep(0)")
            connection.pgconn.send_query(b"SELECT pg_sleep(1)")
            pool.putconn(connection)
            with pool.connection() as connection:
                third = connection.info.backend_pid
        check("a connection that comes back busy is closed", third != second)

    preset = f"-c sessmem.token={tokens['bob']}"
    with SessionPool(min_size=1, max_size=1, kwargs={"options": preset}) as pool:
        with without_session(), pool.connection() as connection:
            check("where none is meant there is none, even on a connection that was opened with a token", connection.execute(ASK).fetchone()[0] is None)


async def controls(tokens):
    print("\nControl: the hook that runs once for each connection")

    async def attach(connection):
        await connection.set_autocommit(True)
        await connection.execute("SELECT sessmem.attach(%s)", [current_token()])
        await connection.set_autocommit(False)

    with session(tokens["alice"]):  # the first request opens the pool
        pool = psycopg_pool.AsyncConnectionPool(min_size=1, max_size=1, configure=attach, open=False)
        await pool.open(wait=True)
    wrong = 0
    for _ in range(10):
        with session(tokens["bob"]):
            async with pool.connection() as connection:
                (seen,) = await (await connection.execute(ASK)).fetchone()
                wrong += seen.startswith("alice")
    check("configure=: 10 of 10 of bob's reads are in alice's session", wrong == 10, wrong)
    await pool.close()

    print("\nControl: a session that is not detached")
    with psycopg_pool.ConnectionPool(min_size=1, max_size=1) as pool:
        with pool.connection() as connection:
            connection.execute("SELECT sessmem.attach(%s)", [tokens["alice"]])
        with pool.connection() as connection:
            seen = connection.execute(ASK).fetchone()[0]
        check("the next user of the connection is in it", seen is not None and seen.startswith("alice"), seen)


asyncio.run(main())
finish()
