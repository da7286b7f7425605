"""SQLAlchemy 1.4 and 2: engines whose connections act in the session of the code that uses them.

    attach(engine)   at each checkout from the pool, detached when it comes back; for AUTOCOMMIT, too
    bind(engine)     at the beginning of each transaction; behind a pooler in transaction mode nothing else is right

One of the two, once, right after create_engine() or create_async_engine(). Their events are "checkout", "checkin" and
"begin", which SQLAlchemy waits for, on asyncio engines as well, in the context of the caller. "connect" runs once for
each connection, for whoever happened to need it first.

The token goes to the driver directly: executed by SQLAlchemy it would be in its log, and in the text of its exceptions.
"""
from typing import Any, Optional

from sqlalchemy import __version__, event

from . import current_token


def attach(engine: Any) -> None:
    """Attach every connection that this engine (or AsyncEngine) checks out of its pool to the session of the caller."""
    sync_engine = getattr(engine, "sync_engine", engine)

    def checkout(connection: Any, record: Any, proxy: Any) -> None:
        _put_in_force(connection, current_token())  # an exception closes the connection

    def checkin(connection: Any, record: Any) -> None:
        if connection is None:  # closed already
            return
        try:
            connection.rollback()
            _put_in_force(connection, None)
        except BaseException as error:
            record.invalidate(error)
            if not isinstance(error, Exception):
                raise

    def _put_in_force(connection: Any, token: Optional[str]) -> None:
        # In autocommit: a session that was attached in a transaction would end if that is rolled back.
        autocommit, connection.autocommit = connection.autocommit, True
        _call(sync_engine, connection, "detach" if token is None else "attach", token)
        connection.autocommit = autocommit

    event.listen(sync_engine, "checkout", checkout)
    event.listen(sync_engine, "checkin", checkin)


def bind(engine: Any) -> None:
    """Bind every transaction that this engine (or AsyncEngine) begins to the session of the caller."""
    sync_engine = getattr(engine, "sync_engine", engine)
    if __version__.startswith("1.") and not sync_engine._is_future:
        raise TypeError("bind() needs create_engine(..., future=True): other engines of SQLAlchemy 1.4 begin no transaction to read")

    def begin(connection: Any) -> None:
        token = current_token()
        if token is None:
            return
        driver_connection = connection.connection.dbapi_connection
        if driver_connection.autocommit:
            raise RuntimeError("bind() has no effect with isolation level AUTOCOMMIT; use attach(engine)")
        try:
            _call(sync_engine, driver_connection, "bind", token)
        except BaseException:
            connection.invalidate()  # a task that is cancelled here leaves the driver in the middle of something
            raise

    event.listen(sync_engine, "begin", begin)


def _call(engine: Any, connection: Any, function: str, token: Optional[str]) -> None:
    """SELECT sessmem.function(token) on a connection of the driver."""
    cursor = connection.cursor()
    try:
        if token is None:
            cursor.execute(f"SELECT sessmem.{function}()")
        else:
            parameter = "$1" if engine.dialect.paramstyle == "numeric_dollar" else "%s"
            cursor.execute(f"SELECT sessmem.{function}({parameter})", (token,))
    finally:
        cursor.close()
