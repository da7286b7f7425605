"""psycopg 3: connection pools whose connections act in the session of the code that takes them.

SessionPool and AsyncSessionPool attach when a connection is taken and detach before it is given back, for code in
autocommit, and for transactions of any number on one connection. transaction() and async_transaction() bind one
transaction, on any pool: behind a pooler in transaction mode nothing else is right.
"""
from contextlib import asynccontextmanager, contextmanager
from typing import Any, AsyncIterator, Iterator, Optional

from psycopg import AsyncConnection, Connection, Error
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from . import current_token

# prepare=False: a pool that is told to reset connections with DISCARD ALL would take the prepared statement away
_ATTACH, _DETACH, _BIND = "SELECT sessmem.attach(%s)", "SELECT sessmem.detach()", "SELECT sessmem.bind(%s)"


class SessionPool(ConnectionPool):
    """A ConnectionPool that attaches the session of whoever calls connection() or getconn()."""

    def getconn(self, timeout: Optional[float] = None) -> "Connection[Any]":
        token = current_token()
        conn = super().getconn(timeout)
        try:
            self._put_in_force(conn, token)
        except BaseException:
            conn.pgconn.finish()  # the pool opens another one in its place
            super().putconn(conn)
            raise
        return conn

    def putconn(self, conn: "Connection[Any]") -> None:
        clean = False
        try:
            conn.rollback()
            self._put_in_force(conn, None)
            clean = True
        except Error:
            pass
        finally:
            if not clean:
                conn.pgconn.finish()
            super().putconn(conn)

    @staticmethod
    def _put_in_force(conn: "Connection[Any]", token: Optional[str]) -> None:
        # In autocommit: a session that was attached in a transaction would end if that is rolled back.
        autocommit, conn.autocommit = conn.autocommit, True
        if token is None:
            conn.execute(_DETACH, prepare=False)
        else:
            conn.execute(_ATTACH, [token], prepare=False)
        conn.autocommit = autocommit


class AsyncSessionPool(AsyncConnectionPool):
    """An AsyncConnectionPool that attaches the session of whoever calls connection() or getconn()."""

    async def getconn(self, timeout: Optional[float] = None) -> "AsyncConnection[Any]":
        token = current_token()
        conn = await super().getconn(timeout)
        try:
            await self._put_in_force(conn, token)
        except BaseException:
            conn.pgconn.finish()
            await super().putconn(conn)
            raise
        return conn

    async def putconn(self, conn: "AsyncConnection[Any]") -> None:
        clean = False
        try:
            await conn.rollback()
            await self._put_in_force(conn, None)
            clean = True
        except Error:
            pass
        finally:
            if not clean:
                conn.pgconn.finish()
            await super().putconn(conn)

    @staticmethod
    async def _put_in_force(conn: "AsyncConnection[Any]", token: Optional[str]) -> None:
        autocommit = conn.autocommit
        await conn.set_autocommit(True)
        if token is None:
            await conn.execute(_DETACH, prepare=False)
        else:
            await conn.execute(_ATTACH, [token], prepare=False)
        await conn.set_autocommit(autocommit)


@contextmanager
def transaction(pool: "ConnectionPool[Any]", timeout: Optional[float] = None) -> "Iterator[Connection[Any]]":
    """A connection of any pool, in a transaction that is bound to the session of the caller."""
    token = current_token()
    with pool.connection(timeout) as conn, conn.transaction():
        if token is not None:
            conn.execute(_BIND, [token], prepare=False)
        yield conn


@asynccontextmanager
async def async_transaction(
    pool: "AsyncConnectionPool[Any]", timeout: Optional[float] = None
) -> "AsyncIterator[AsyncConnection[Any]]":
    """The same with an AsyncConnectionPool."""
    token = current_token()
    async with pool.connection(timeout) as conn, conn.transaction():
        if token is not None:
            await conn.execute(_BIND, [token], prepare=False)
        yield conn
