"""SQLAlchemy Core and ORM, sync and asyncio, through sessmem.sqlalchemy."""
import asyncio
import logging

import sessmem.sqlalchemy
import sqlalchemy
from common import Client, admin, check, finish, load, outcome, scenario, sqlstate
from sessmem import current_token, session, without_session
from sqlalchemy import create_engine, event, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

two = not sqlalchemy.__version__.startswith("1.")
sync_driver = ["psycopg2", "psycopg"] if two else ["psycopg2"]  # 1.4 does not know psycopg 3
async_driver = ["asyncpg", "psycopg"] if two else ["asyncpg"]
ASK = text("SELECT sessmem.session_id()")


def runner(engine):
    def run(sql):
        with engine.connect() as connection:
            return connection.execute(text(sql)).all()
    return run


async def main():
    print("SQLAlchemy", sqlalchemy.__version__)
    for driver in sync_driver:
        example = load("sqlalchemy_core", psycopg=driver)
        tokens = await scenario(Client(f"Core, bind(), {driver}", example.remember, example.recall, runner(example.engine)))
        check("the example answers", await asyncio.to_thread(example.answer, tokens["alice"], "one more") != [])
        example.engine.dispose()

        example = load("sqlalchemy_orm", psycopg=driver)
        tokens = await scenario(Client(f"ORM, attach(), {driver}", example.remember, example.recall, runner(example.engine)))
        check("the example answers", await asyncio.to_thread(example.answer, tokens["alice"], "one more") != [])
        check("idle connections hold no session", idle(example.engine) == {None})
        example.engine.dispose()

    for driver in async_driver:
        example = load("sqlalchemy_async", asyncpg=driver)

        async def run(sql):
            async with example.engine.connect() as connection:
                return (await connection.execute(text(sql))).all()
        tokens = await scenario(Client(f"asyncio, attach(), {driver}", example.remember, example.recall, run, is_async=True))
        check("the example answers", await example.answer(tokens["alice"], "one more") != [])
        await example.engine.dispose()
        await async_edges(driver, tokens)

    for driver in sync_driver:
        edges(driver, tokens)
        controls(driver, tokens)


def idle(engine):
    """What the connections hold that are in the pool, asked behind its back."""
    held = set()
    while engine.pool.checkedin():
        raw = engine.pool._pool.get(False).dbapi_connection
        cursor = raw.cursor()
        cursor.execute(str(ASK))
        held.add(cursor.fetchone()[0])
        raw.close()
    return held


def engine_with(how, driver, **options):
    engine = create_engine(f"postgresql+{driver}://", pool_size=1, max_overflow=0, pool_timeout=5, **{"future": True, **options})
    how(engine)
    return engine


def ask(engine):
    with engine.connect() as connection:
        return connection.execute(ASK).scalar()


def edges(driver, tokens):
    print(f"\nEngines that are not as they should be, {driver}")
    alice, bob = tokens["alice"], tokens["bob"]
    attach, bind = sessmem.sqlalchemy.attach, sessmem.sqlalchemy.bind
    for name, options in {"AUTOCOMMIT": {"isolation_level": "AUTOCOMMIT"}, "reset_on_return=None": {"pool_reset_on_return": False},
                          "SERIALIZABLE": {"isolation_level": "SERIALIZABLE"}, "pre_ping": {"pool_pre_ping": True}, "not future": {"future": two},
                          "NullPool": {"poolclass": sqlalchemy.pool.NullPool, "pool_size": None, "max_overflow": None, "pool_timeout": None}}.items():
        options = {key: value for key, value in {"pool_size": 1, "max_overflow": 0, "pool_timeout": 5, "future": True, **options}.items() if value is not None}
        engine = create_engine(f"postgresql+{driver}://", **options)
        attach(engine)
        seen, pids = [], set()
        for token in [alice, bob, None] * 3:
            with session(token) if token else without_session(), engine.connect() as connection:
                seen.append(str(connection.execute(ASK).scalar())[:5])
                pids.add(connection.execute(text("SELECT pg_backend_pid()")).scalar())
        with session(alice):
            raw = engine.raw_connection()
            cursor = raw.cursor()
            cursor.execute(str(ASK))
            seen.append(cursor.fetchone()[0][:5])
            raw.close()  # in the transaction that the driver began
        check(f"attach() of an engine with {name}", seen.pop() == "alice" and seen == ["alice", "bob: ", "None"] * 3, seen)
        if not name.startswith("Null"):
            check("... which keeps its connection, idle in no session", len(pids) == 1 and idle(engine) == {None}, pids)
        engine.dispose()

    engine = engine_with(attach, driver)
    with session(alice), engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        connection.rollback()
        check("a rollback does not end the session", connection.execute(ASK).scalar().startswith("alice"))
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        connection.rollback()
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        check("nor does AUTOCOMMIT for this once", connection.execute(ASK).scalar().startswith("alice"))
    with session(alice), engine.connect() as connection:
        check("... which is over when it comes back", not connection.connection.dbapi_connection.autocommit
              and connection.execute(text("SELECT pg_backend_pid()")).scalar() == pid)
    admin.execute("REVOKE EXECUTE ON FUNCTION sessmem.detach() FROM app")
    logging.disable(logging.CRITICAL)
    for _ in range(3):
        with session(alice):
            ask(engine)
    logging.disable(logging.NOTSET)
    admin.execute("GRANT EXECUTE ON FUNCTION sessmem.detach() TO app")
    with session(alice), engine.connect() as connection:
        check("a connection that cannot detach is closed, and its place free", connection.execute(text("SELECT pg_backend_pid()")).scalar() != pid)
    engine.dispose()

    engine = engine_with(bind, driver)
    with session(alice), engine.connect() as connection:
        check("bind(): each transaction is in the session", [connection.execute(ASK).scalar()[:5], connection.commit(), connection.execute(ASK).scalar()[:5]]
              == ["alice", None, "alice"])
        with connection.begin_nested() as savepoint:
            savepoint.rollback()
        check("... also after a savepoint that was rolled back", connection.execute(ASK).scalar().startswith("alice"))
    with session(alice), engine.connect() as connection:
        try:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(ASK)
            check("bind() refuses AUTOCOMMIT", False)
        except RuntimeError as error:
            check("bind() refuses AUTOCOMMIT", "attach(engine)" in str(error), error)
    with without_session():
        check("... and the connection is good afterwards", ask(engine) is None)
    engine.dispose()
    if not two:
        try:
            engine_with(bind, driver, future=False)
            check("bind() refuses engines that are not future", False)
        except TypeError:
            check("bind() refuses engines that are not future", True)

    print(f"\nWhere the token is to be seen, {driver}")
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = logging.getLogger("sqlalchemy")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    for how in (attach, bind):
        del messages[:]
        engine = engine_with(how, driver)
        with session(alice):
            ask(engine)
        forged = alice[:-4] + "AAAA"
        try:
            with session(forged):
                ask(engine)
            shown = "no error"
        except Exception as error:
            shown = f"{sqlstate(error)} {error}"
        check(f"{how.__name__}(): not in SQLAlchemy's log, nor in an exception", any("SELECT sessmem.session_id" in one for one in messages)
              and not any(alice[:-4] in one for one in messages) and shown.startswith("28000") and alice[:-4] not in shown, shown)
        engine.dispose()
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)

    engine = create_engine(f"postgresql+{driver}://", future=True)
    with engine.connect() as one, engine.connect() as other:
        parameter = {"token": alice}
        one.execute(text("SELECT sessmem.bind(:token)"), parameter)
        pid = one.connection.dbapi_connection.info.backend_pid
        seen = other.execute(text("SELECT query FROM pg_stat_activity WHERE pid = :pid"), {"pid": pid}).scalar()
        visible = alice in seen
    if driver == "psycopg2":
        check("psycopg2 has no bind parameters: pg_stat_activity shows other connections of the role the token", visible, seen)
        admin.execute("ALTER ROLE app SET track_activities = off")
        engine.dispose()
        with engine.connect() as one, engine.connect() as other:
            one.execute(text("SELECT sessmem.bind(:token)"), {"token": alice})
            seen = other.execute(text("SELECT string_agg(query, ' ') FROM pg_stat_activity WHERE usename = 'app'")).scalar() or ""
        check("... unless ALTER ROLE app SET track_activities = off", alice not in seen, seen)
        admin.execute("ALTER ROLE app RESET track_activities")
    else:
        check("other connections of the role do not see the token in pg_stat_activity", not visible, seen)
    engine.dispose()


async def async_edges(driver, tokens):
    print(f"\nAsyncEngine, {driver}")
    alice = tokens["alice"]
    for how in (sessmem.sqlalchemy.attach, sessmem.sqlalchemy.bind):
        engine = create_async_engine(f"postgresql+{driver}://", pool_size=2, max_overflow=0, pool_timeout=5)
        how(engine)

        async def one(user):
            with session(tokens[user]):
                async with AsyncSession(engine) as orm:
                    first = (await orm.execute(ASK)).scalar()
                    await orm.commit()
                    second = await orm.run_sync(lambda sync: sync.execute(ASK).scalar())
                    return first.startswith(user) and second.startswith(user)
        check(f"{how.__name__}(): AsyncSession, commit, run_sync", all(await asyncio.gather(*(one(["alice", "bob"][i % 2]) for i in range(20)))))

        async def interrupted(delay):
            with session(alice):
                async with engine.connect() as connection:
                    await connection.execute(ASK)
                    await asyncio.sleep(delay)
        # wherever it hits: in the checkout, the statement, the checkin
        jobs = []
        for i in range(60):
            job = asyncio.create_task(interrupted(0))
            for _ in range(i):
                await asyncio.sleep(0)
            job.cancel()
            jobs.append(job)
        await asyncio.gather(*jobs, return_exceptions=True)
        seen = await asyncio.gather(*(outcome(one("bob")) for _ in range(8)))
        check(f"{how.__name__}(): 60 tasks cancelled at any point, and the pool is as it was", seen == [True] * 8, seen)
        await engine.dispose()


def controls(driver, tokens):
    print(f"\nControl: the event that is fired once for each connection, {driver}")

    def on_connect(engine):
        @event.listens_for(engine, "connect")
        def connect(connection, record):
            cursor = connection.cursor()
            cursor.execute("SELECT sessmem.attach(%s)", (current_token(),))
            connection.commit()
    engine = engine_with(on_connect, driver)
    seen = []
    for user in ["alice"] + ["bob"] * 10:
        with session(tokens[user]):
            seen.append(ask(engine)[:5])
    check("connect: 10 of 10 of bob's reads are in alice's session", seen == ["alice"] * 11, seen)
    engine.dispose()

    def never_detached(engine):
        @event.listens_for(engine, "checkout")
        def checkout(connection, record, proxy):
            connection.cursor().execute("SELECT sessmem.attach(%s)", (current_token(),))
    engine = engine_with(never_detached, driver)
    with session(tokens["alice"]), engine.connect() as connection:
        before = connection.execute(ASK).scalar()
        connection.rollback()
        after = connection.execute(ASK).scalar()
    check("checkout without a commit: the session ends with the first rollback", before is not None and after is None, (before, after))
    engine.dispose()


if __name__ == "__main__":
    asyncio.run(main())
    finish()
