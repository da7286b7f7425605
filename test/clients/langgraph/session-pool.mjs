/*
 * A node-postgres pool for protected tables: every connection that is checked out acts in the session of the code that
 * asked for it, and in no other.
 *
 *     const pool = new SessionPool({ max: 10 });
 *     await withSession(token, () => handleRequest(pool));     // everything awaited in there acts in that session
 *
 * Rules, each of which some simpler way of doing it breaks:
 *  - The session is read when connect() is called, synchronously. The pool's events ('connect', 'acquire') run in the
 *    asynchronous context of whoever returned the connection, so a token read there is usually somebody else's.
 *  - Every checkout either attaches its token or detaches. Nothing is inherited from the previous user of a connection.
 *  - It fails closed: if attach or detach fails, the connection is closed and the caller gets the error.
 *  - pool.query() goes through connect() with a callback, so both forms of connect() are covered.
 *  - Pool and sockets run outside any session. A callback of client.query() runs in the context in which the socket was
 *    opened; so code that asks the pool for a connection from such a callback has no session, instead of a stranger's.
 */
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import pg from 'pg';

const current = new AsyncLocalStorage();
const outside = (fn) => current.run(undefined, fn);

/* Runs fn with the token in force, through every await; a missing token is an error here and not an empty result later. */
export function withSession(token, fn) {
  if (typeof token !== 'string' || token === '') throw new TypeError('withSession: no session token');
  return current.run(token, fn);
}

/* One statement of the pool's own. A connection that breaks meanwhile rejects the statement; it must not end the process. */
async function command(client, text, values) {
  const ignore = () => {};
  client.on('error', ignore);
  try {
    await outside(() => client.query(text, values));
  } finally {
    client.removeListener('error', ignore);
  }
}

/* Makes release() end the session before the connection can be handed to anybody else. */
function detachOnRelease(client) {
  const giveBack = client.release;
  let released = false;
  client.release = (err) => {
    if (released) throw new Error('Release called on client which has already been released to the pool.');
    released = true;
    if (err) return outside(() => giveBack(err)); // the pool closes the connection
    command(client, 'SELECT sessmem.detach()')
      .then(() => {
        if (client.getTransactionStatus?.() === 'T') throw new Error('released inside a transaction');
      })
      .then(() => outside(() => giveBack()), (failure) => outside(() => giveBack(failure)));
  };
}

export class SessionPool extends pg.Pool {
  connect(callback) {
    const checkout = this.#checkout(current.getStore());
    if (typeof callback !== 'function') return checkout;
    // nextTick keeps the caller's context, and keeps an error thrown by the callback out of this promise
    checkout.then(
      (client) => process.nextTick(callback, undefined, client, client.release),
      (err) => process.nextTick(callback, err, undefined, () => {})
    );
  }

  query(...args) {
    const last = args.length - 1;
    if (typeof args[last] === 'function') args[last] = AsyncResource.bind(args[last]);
    return super.query(...args);
  }

  async #checkout(token) {
    const client = await outside(() => super.connect());
    detachOnRelease(client);
    try {
      if (token === undefined) await command(client, 'SELECT sessmem.detach()');
      else await command(client, 'SELECT sessmem.attach($1)', [token]);
    } catch (err) {
      client.release(err);
      throw err;
    }
    return client;
  }
}
