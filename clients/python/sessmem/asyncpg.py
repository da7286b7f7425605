"""asyncpg: a pool whose connections act in the session of the task that acquires them.

The right hook of asyncpg.create_pool() is "setup": it is awaited at each acquire(), in the context of the caller. When
it fails, asyncpg closes the connection and the caller gets the error. "init" runs once for each connection, for whoever
happened to need it first. On release asyncpg runs RESET ALL, which ends the session.
"""
from contextlib import asynccontextmanager
from typing import Any, AsyncIterator

import asyncpg

from . import current_token


async def attach(connection: Any) -> None:
    """A "setup" hook: put the session of the caller in force on a connection."""
    token = current_token()
    # Either way something is said, so nothing depends on what the connection did before.
    if token is None:
        await connection.execute("SELECT sessmem.detach()")
    else:
        await connection.execute("SELECT sessmem.attach($1)", token)


def create_pool(*args: Any, **kwargs: Any) -> "asyncpg.Pool":
    """asyncpg.create_pool(); a "setup" hook of your own runs in the session, after it is attached."""
    own = kwargs.pop("setup", None)

    async def setup(connection: Any) -> None:
        await attach(connection)
        if own is not None:
            await own(connection)

    return asyncpg.create_pool(*args, setup=setup, **kwargs)


@asynccontextmanager
async def transaction(pool: "asyncpg.Pool", **options: Any) -> AsyncIterator[Any]:
    """A connection of any pool, in a transaction that is bound to the session of the caller."""
    token = current_token()
    async with pool.acquire() as connection, connection.transaction(**options):
        if token is not None:
            await connection.execute("SELECT sessmem.bind($1)", token)
        yield connection
