"""What the tests of all Python drivers share: the checks, the tokens, and the scenario that every driver goes through."""
import asyncio
import concurrent.futures
import os
import pathlib
import sys
import time
import types
from dataclasses import dataclass
from typing import Any, Callable

import psycopg

import sessmem

TOP = pathlib.Path(__file__).resolve().parents[3]
TASKS, STEPS = 100, 10  # 1 000 operations, with 4 connections
USERS = ["alice", "bob"]

passed = failed = 0


def check(what, holds, seen=None):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(f"{'ok' if holds else 'not ok'} - {what}" + ("" if holds or seen is None else f"\n    got: {seen!r}"), flush=True)


def finish():
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.stdout.flush()
    os._exit(0 if failed == 0 and passed else 1)  # whatever a failed test has left open


# The superuser, and the login service; both come to the server itself, also where the application has a pooler.
_server = {"host": os.environ.get("SERVER_HOST", os.environ["PGHOST"]), "port": os.environ.get("SERVER_PORT", os.environ["PGPORT"])}
admin = psycopg.connect(user="postgres", autocommit=True, **_server)
login = psycopg.connect(user="login_service", autocommit=True, **_server)

# What an earlier test left open is not one of the connections of this one.
admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
while admin.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'").fetchone()[0]:
    time.sleep(0.05)


def open_session(user, session_id, ttl="1 hour"):
    return login.execute("SELECT sessmem.open_session(%s, session_id => %s, ttl => %s::interval)", [user, session_id, ttl]).fetchone()[0]


def expired_token(user, session_id):
    token = open_session(user, session_id, "1 second")
    time.sleep(1.2)
    return token


def load(name, **replacements):
    """An example of docs/clients, as the module that it is; SQLAlchemy's driver may be replaced."""
    source = (TOP / "docs/clients" / f"{name}.py").read_text()
    for old, new in replacements.items():
        source = source.replace(f"+{old}://", f"+{new}://")
        if new == "psycopg2":
            source = source.replace(', connect_args={"prepare_threshold": None}', "")
    module = types.ModuleType(name)
    exec(compile(source, f"docs/clients/{name}.py", "exec"), module.__dict__)
    return module


def sqlstate(error):
    """Of an exception of any driver, or its name."""
    for one in (error, getattr(error, "orig", None), error.__cause__):
        code = getattr(one, "sqlstate", None) or getattr(one, "pgcode", None)
        if code:
            return code
    return type(error).__name__


async def outcome(awaitable):
    """What an operation comes to: its result, or the SQLSTATE or name of its exception."""
    try:
        return await awaitable
    except (Exception, asyncio.CancelledError) as error:
        return sqlstate(error)


@dataclass
class Client:
    """A driver, used as its example in docs/clients does."""
    name: str
    remember: Callable[..., Any]
    recall: Callable[..., Any]
    run: Callable[..., Any]  # any one statement, on a connection of its own: its rows
    is_async: bool = False
    by_hand: bool = False  # takes the token as its first argument
    pooler: bool = False  # between the driver and the server

    async def act(self, token, operation, *args):
        """Calls an operation in a session; sync ones in a thread, whose context is empty."""
        if self.by_hand:
            call, scope = lambda: operation(token, *args), sessmem.without_session()
        else:
            call, scope = lambda: operation(*args), sessmem.session(token) if token else sessmem.without_session()
        if self.is_async:
            with scope:
                return await call()

        def in_thread():
            with scope:
                return call()
        return await asyncio.get_running_loop().run_in_executor(threads, in_thread)

    async def forget_session(self, operation, *args):
        """Calls it where nobody said anything of a session."""
        if self.is_async:
            return await asyncio.create_task(operation(*args))
        return await asyncio.get_running_loop().run_in_executor(threads, operation, *args)


threads = concurrent.futures.ThreadPoolExecutor(32)


async def running(text):
    """Waits until a statement runs; returns its process."""
    for _ in range(300):
        row = admin.execute("SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s AND pid <> pg_backend_pid()", [f"%{text}%"]).fetchone()
        if row:
            return row[0]
        await asyncio.sleep(0.05)
    raise TimeoutError(text)


async def scenario(client):
    name = client.name
    print(f"\n{name}")
    ids = {user: f"{user}: {name}" for user in USERS}
    tokens = {user: open_session(user, ids[user]) for user in USERS}
    wrong, written = [], {user: set() for user in USERS}

    async def task(number):
        user = USERS[number % 2]
        mine = set()
        for step in range(STEPS):
            if step % 2 == 0:
                content = f"{user} {number}.{step}"
                await client.act(tokens[user], client.remember, content)
                mine.add(content)
                written[user].add(content)
            else:
                rows = [tuple(row) for row in await client.act(tokens[user], client.recall)]
                if not mine <= {row[1] for row in rows} or any(row[0] != ids[user] or not row[1].startswith(user) for row in rows):
                    wrong.append((user, rows))

    await asyncio.gather(*map(task, range(TASKS)))
    check(f"{TASKS} tasks of two users, {TASKS * STEPS} operations: 0 wrong", not wrong, f"{len(wrong)} wrong, e.g. {wrong[:1]!r:.300}")
    for user in USERS:
        rows = [row[1] for row in await client.act(tokens[user], client.recall)]
        check(f"{user} has all that {user} wrote", sorted(rows) == sorted(written[user]) and len(rows) == TASKS * STEPS // 4, len(rows))
    pids = admin.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'").fetchone()[0]
    check("with 4 connections", 0 < pids <= 4, pids)

    async def clean(after):
        """Every connection of the pool is in the right session, and in none when asked to be."""
        seen = await asyncio.gather(*(client.act(token, client.run, "SELECT sessmem.session_id(), count(*) FROM messages, pg_sleep(0.05)")
                                      for _ in range(4) for token in (None, tokens["alice"], tokens["bob"])))
        none, alice, bob = (list(map(tuple, sum(map(list, seen[i::3]), []))) for i in range(3))
        rows = TASKS * STEPS // 4
        check(f"after {after} every connection is clean", (none, alice, bob) == ([(None, 0)] * 4, [(ids["alice"], rows)] * 4, [(ids["bob"], rows)] * 4), seen)

    if client.by_hand:
        check("without a token a read is refused", await outcome(client.act(None, client.recall)) == "28000")
        check("... and a write", await outcome(client.act(None, client.remember, "whose?")) == "28000")
    else:
        check("where nobody said a session, a read is an error", await outcome(client.forget_session(client.recall)) == "NoSession")
        check("... and a write", await outcome(client.forget_session(client.remember, "whose?")) == "NoSession")
        check("where none is meant, a read finds nothing", await outcome(client.act(None, client.recall)) == [])
        check("... and a write is refused", await outcome(client.act(None, client.remember, "whose?")) == "42501")

    failures = await asyncio.gather(*(outcome(client.act(tokens["alice"], client.run, "SELECT 1 / 0")) for _ in range(8)))
    check("a statement fails in eight tasks", failures == ["22012"] * 8, failures)
    await clean("an error")

    sleeper = asyncio.ensure_future(outcome(client.act(tokens["alice"], client.run, "SELECT pg_sleep(60)")))
    pid = await running("pg_sleep(60)")
    if client.is_async:
        sleeper.cancel()
    else:
        admin.execute("SELECT pg_cancel_backend(%s)", [pid])
    seen = await sleeper
    check("a task is cancelled in the middle of a statement", seen == ("CancelledError" if client.is_async else "57014"), seen)
    await clean("a cancelled task")
    # psycopg before 3.2 closes the connection and leaves the statement to itself
    admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()")

    expired = expired_token("alice", ids["alice"] + " for a second")
    failures = await asyncio.gather(*(outcome(client.act(expired, client.recall)) for _ in range(8)))
    check("an expired token is refused in eight tasks", failures == ["28000"] * 8, failures)
    await clean("an expired token")

    if not client.pooler and not client.by_hand:
        sleeper = asyncio.ensure_future(outcome(client.act(tokens["alice"], client.run, "SELECT pg_sleep(61)")))
        admin.execute("SELECT pg_terminate_backend(%s)", [await running("pg_sleep(61)")])
        seen = await sleeper
        check("a connection is lost while it is used", seen not in ([], [("",)]), seen)
        await clean("a lost connection")
    return tokens
