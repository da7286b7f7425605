/*
 * A node-postgres pool for tables that sessmem protects: every connection that is checked out acts in the session of the
 * code that asked for it, and in no other.  See README.md for how to use it.
 *
 * Rules, each of which some simpler way of doing it breaks:
 *  - The session is read when connect() is called, synchronously.  The pool's events ('connect', 'acquire') run in the
 *    asynchronous context of whoever gave the connection back, so a token read there is usually somebody else's.
 *  - Every checkout attaches its token, or detaches if it is meant to have none.  Nothing is inherited from the last user
 *    of a connection, nor from its startup packet.
 *  - It fails closed: no session is an error, not an empty result; if attach, detach, bind or commit fails, the caller gets
 *    the error or the connection is closed.
 *  - A connection is lent: after release() it refuses queries of the one who released it.  What he forgot to wait for would
 *    run in the session of the next one else, and no database could tell.
 *  - Pool and sockets run outside of any session, so that what is called from there has none, instead of a stranger's.
 *
 * CommonJS, so that import and require() share one module, and with it one idea of the current session.
 */
'use strict';

const { AsyncLocalStorage, AsyncResource } = require('node:async_hooks');
const { Pool } = require('pg');

const current = new AsyncLocalStorage(); // { token }, or { without: pool }
const outside = (fn) => current.run(undefined, fn);
const ignore = () => {};

const error = (code, message) => Object.assign(new Error(`sessmem: ${message}`), { code });

/* Runs fn in that context.  Query builders are started when somebody waits for them: that must not be later and outside. */
function run(context, fn) {
  return current.run(context, () => {
    const result = fn();
    const lazy = typeof result?.then === 'function' && !(result instanceof Promise);
    return lazy ? new Promise((resolve, reject) => { result.then(resolve, reject); }) : result;
  });
}

/* Runs fn, and everything that it awaits, in the session of the token; returns what fn returns. */
function withSession(token, fn) {
  if (typeof token !== 'string' || token === '')
    throw error('ERR_SESSMEM_NO_TOKEN', 'withSession() needs the session token, a string');
  return run({ token }, fn);
}

/* A callback in the last argument runs in the context of this call, as code after an await would. */
const keepContext = (args) => args.map((arg, i) => (typeof arg === 'function' && i === args.length - 1 ? AsyncResource.bind(arg) : arg));

/* One statement of the pool's own. */
const command = (client, text, values) => outside(() => client.query(text, values));

/* Puts the session of the token in force, or none, whatever was before. */
const enter = (client, how, token) => (token === undefined
  ? command(client, 'SELECT sessmem.detach()')
  : command(client, `SELECT sessmem.${how}($1)`, [token]));

/*
 * The connection as it is lent for one checkout: itself, but for query() and release().  giveBack is called once, by
 * release().  Refuses queries after that, and those from another session than the one that it was lent to.
 */
function lend(client, token, giveBack) {
  let lent = true;
  const own = {
    __proto__: null,
    query(...args) {
      if (!lent)
        throw error('ERR_SESSMEM_RELEASED', 'this connection has been given back; await every query before release(), or before the transaction ends');
      const context = current.getStore(); // none in what the driver calls: events, cursors
      if (context && context.token !== token)
        throw error('ERR_SESSMEM_OTHER_SESSION', 'this connection was checked out for another session; check one out inside of this one');
      return client.query(...keepContext(args));
    },
    release(err) {
      if (!lent) throw new Error('Release called on client which has already been released to the pool.');
      lent = false;
      giveBack(err);
    },
  };
  return new Proxy(client, {
    get: (target, name) => Reflect.get(name in own ? own : target, name),
    // somebody's wrapper around query() or release() is for this checkout only
    set: (target, name, value) => Reflect.set(name in own ? own : target, name, value),
  });
}

class SessionPool extends Pool {
  /* Runs fn, and what it awaits, without a session on this pool: for what is not about anybody's rows, such as DDL. */
  withoutSession(fn) {
    return run({ without: this }, fn);
  }

  /* As of pg.Pool.  The session is attached until release(). */
  connect(callback) {
    const checkout = this.#checkout();
    if (typeof callback !== 'function') return checkout;
    // nextTick keeps the caller's context, and keeps an error thrown by the callback out of this promise
    checkout.then(
      (client) => process.nextTick(callback, undefined, client, client.release),
      (err) => process.nextTick(callback, err, undefined, () => {})
    );
  }

  /* As of pg.Pool, whose query() asks connect() for a connection. */
  query(...args) {
    return super.query(...keepContext(args));
  }

  /*
   * Runs fn(client) in a transaction that is bound to the session; commits if fn succeeds, and rolls back if it does not.
   * This is the form for transaction-mode poolers.  fn uses client, and not the pool, which would take another connection.
   */
  async transaction(fn) {
    const token = this.#token();
    const [client, giveBack] = await this.#take();
    const lent = lend(client, token, ignore);
    let broken;
    try {
      await command(client, 'BEGIN');
      await enter(client, 'bind', token);
      let result;
      try {
        result = await fn(lent);
      } finally {
        lent.release();
      }
      const { command: done } = await command(client, 'COMMIT');
      if (done !== 'COMMIT') throw error('ERR_SESSMEM_ROLLED_BACK', 'the transaction was rolled back, because a statement in it had failed');
      return result;
    } catch (err) {
      await command(client, 'ROLLBACK').catch((failure) => { broken = failure; });
      throw err;
    } finally {
      giveBack(broken);
    }
  }

  /* The token in force, undefined if there is to be none. */
  #token() {
    const context = current.getStore();
    if (context?.token !== undefined) return context.token;
    if (context?.without === this) return undefined;
    throw error('ERR_SESSMEM_NO_SESSION',
      'no session; call this inside of withSession(token, fn), or of pool.withoutSession(fn) if it is to have none');
  }

  /* A connection, and the function that gives it back; with an error, the pool closes it. */
  async #take() {
    const client = await outside(() => super.connect());
    const { release } = client;
    client.on('error', ignore); // a connection that breaks rejects what is asked of it; it need not end the process
    return [client, (err) => {
      client.removeListener('error', ignore);
      outside(() => release(err));
    }];
  }

  async #checkout() {
    const token = this.#token();
    const [client, giveBack] = await this.#take();
    try {
      await enter(client, 'attach', token);
    } catch (err) {
      giveBack(err);
      throw err;
    }
    const detach = async () => {
      await command(client, 'SELECT sessmem.detach()');
      if (client.getTransactionStatus?.() === 'T') throw error('ERR_SESSMEM_OPEN_TRANSACTION', 'released inside of a transaction');
    };
    return lend(client, token, (err) => (err ? giveBack(err) : detach().then(() => giveBack(), giveBack)));
  }
}

module.exports = { SessionPool, withSession };
