/*
 * The connection of a transaction, until it is over. Postgres.js itself would run a query that comes later in whatever the
 * connection is used for then; and a transaction whose connection broke, on the one that replaced it.
 */
function until(over, tx) {
  const live = (fn) => (...args) => {
    if (over()) throw new Error('this transaction is over; await its queries before it ends');
    return fn(...args);
  };
  return new Proxy(tx, {
    apply: (target, self, args) => live(target)(...args),
    get(target, name) {
      if (name === 'savepoint') return live((...args) => target.savepoint(...args.slice(0, -1), (inner) => args.at(-1)(until(over, inner))));
      return typeof target[name] === 'function' ? live(target[name]) : target[name];
    },
  });
}

/* Runs fn(tx) in a transaction, in the session of the token. */
export async function inSession(sql, token, fn) {
  let over = false;
  try {
    return await sql.begin(async (tx) => {
      await tx`SELECT sessmem.bind(${token})`;
      return fn(until(() => over, tx));
    });
  } finally {
    over = true;
  }
}

/* Runs fn(own) in autocommit on a connection of its own, in the session of the token. */
export async function attached(sql, token, fn) {
  let over = false;
  const own = await sql.reserve();
  try {
    await own`SELECT sessmem.attach(${token})`;
    return await fn(until(() => over, own));
  } finally {
    over = true;
    await own`SELECT sessmem.detach()`; // if that fails, the connection does not go back to the pool
    own.release();
  }
}
