"""Where the session of sessmem.session() goes, and where it does not."""
import asyncio
import concurrent.futures
import contextvars
import threading

from common import check, finish
from sessmem import NoSession, current_token, session, without_session


def seen():
    try:
        return current_token()
    except NoSession:
        return "NoSession"


def in_thread(function):
    result = []
    thread = threading.Thread(target=lambda: result.append(function()))
    thread.start()
    thread.join()
    return result[0]


check("outside of session() there is none, and that is an error", seen() == "NoSession")
with session("A"):
    with session("B"):
        inner = seen()
    with without_session():
        nothing = seen()
    try:
        with session("C"):
            raise KeyError
    except KeyError:
        pass
    check("sessions nest, also when an exception ends one", (inner, nothing, seen()) == ("B", None, "A"), (inner, nothing, seen()))
    check("a thread has none", in_thread(seen) == "NoSession")
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        check("an executor has none", executor.submit(seen).result() == "NoSession")
        context = contextvars.copy_context()
        check("... unless the context was copied", executor.submit(context.run, seen).result() == "A")
        check("... and has none afterwards", executor.submit(seen).result() == "NoSession")
check("after session() there is none", seen() == "NoSession")
for bad in ("", None, 7, b"token"):
    try:
        with session(bad):
            check(f"session({bad!r}) is an error", False)
    except NoSession:
        check(f"session({bad!r}) is an error", True)


async def main():
    async def task(name):
        tokens = set()
        with session(name):
            for _ in range(50):
                await asyncio.sleep(0)
                tokens.add(seen())
        return tokens == {name} and seen() == "NoSession"

    check("each of 20 tasks that take turns has its own", all(await asyncio.gather(*(task(f"{i}") for i in range(20)))))
    with session("A"):
        child = asyncio.create_task(asyncio.sleep(0, "started"))
        inherited = asyncio.create_task(task_sees())
        in_to_thread = await asyncio.to_thread(seen)
        in_executor = await asyncio.get_running_loop().run_in_executor(None, seen)
    await child
    check("a task has the session in which it was started", await inherited == "A")
    check("to_thread() copies the context, run_in_executor() does not", (in_to_thread, in_executor) == ("A", "NoSession"))


async def task_sees():
    await asyncio.sleep(0)
    return seen()


asyncio.run(main())
finish()
