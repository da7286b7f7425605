"""Which session the code that runs now acts in; the other modules of this package tell the database.

    with session(token):                       # in async code, too: it is a plain "with"
        with pool.connection() as connection:  # a pool of sessmem.psycopg
            connection.execute("INSERT INTO messages (content) VALUES (%s)", ["My name is Alice"])

The session is kept in a ContextVar. So each asyncio task has its own, inherited from the task that started it; a thread
has none unless the context was copied, as asyncio.to_thread() does. Code without a session gets NoSession from the
pools, and no connection.
"""
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Iterator, Optional

__all__ = ["NoSession", "session", "without_session", "current_token"]

_current: "ContextVar[Optional[str]]" = ContextVar("sessmem_token")


class NoSession(RuntimeError):
    """Code asked for a connection without saying whose session it acts in."""


@contextmanager
def session(token: str) -> Iterator[None]:
    """Act in the session of this token until the end of the block."""
    if not isinstance(token, str) or not token:
        raise NoSession("session() needs a token, a non-empty string")
    before = _current.set(token)
    try:
        yield
    finally:
        _current.reset(before)


@contextmanager
def without_session() -> Iterator[None]:
    """Act in no session until the end of the block: protected tables are empty, and cannot be written."""
    before = _current.set(None)
    try:
        yield
    finally:
        _current.reset(before)


def current_token() -> Optional[str]:
    """The token of session(), None inside of without_session(); raises NoSession where neither was said."""
    try:
        return _current.get()
    except LookupError:
        raise NoSession(
            "no session: wrap this in \"with sessmem.session(token):\", or in \"with sessmem.without_session():\""
            " if it needs none; a thread or an executor has no session unless the context was copied"
        ) from None
