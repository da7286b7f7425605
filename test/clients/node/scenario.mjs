/*
 * One scenario for every driver: users share a pool that is too small for them, things go wrong, and nobody ever sees or
 * writes a row of another.
 *
 * A driver is { name, open, forgotten, discard, late }:
 *   open(max)   a pool of that many connections as the role "app": { within(token, fn), outside(fn), close() }, where fn gets
 *               { write(content), read(), writePrepared(content), readPrepared(), run(sql) }
 *   forgotten   what becomes of code outside of a session: the SQLSTATE of a write ('42501'), while a read finds nothing; or
 *               the code of the error that both get
 *   discard     how many rows a task sees after its own DISCARD ALL: NONE, since that ends the session; ALL, if each of its
 *               statements is attached or bound; or the SQLSTATE with which it is refused
 *   pooler      true if it works behind a pooler in transaction mode
 *   crashes     why it cannot lose a connection, if it cannot
 *   late        what becomes of a statement that a task sends after its end: it is REFUSED; runs in the task's own session
 *               (OWN); or runs in that of whoever has the connection now (FOREIGN)
 */
import pg from 'pg';

export const USERS = ['alice', 'bob'];
const TASKS = 250; // of four operations
const AT_ONCE = 24;
const CONNECTIONS = 3;
export const [NONE, ALL, REFUSED, OWN, FOREIGN] = ['none', 'all', 'refused', 'own', 'foreign'];

export const result = { passed: 0, failed: 0 };
export function check(name, holds, seen) {
  if (holds) result.passed++; else result.failed++;
  console.log(`${holds ? 'ok' : 'not ok'} - ${name}${holds || seen === undefined ? '' : `\n    got: ${inspect(seen)}`}`);
}
const inspect = (value) => (value instanceof Error ? value.stack : JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? String(v) : v)));

export const sleep = (ms) => new Promise((wake) => { setTimeout(wake, ms); });
async function until(what, condition) {
  for (const deadline = Date.now() + 30000; ;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await sleep(20);
  }
}

/* What a failure is called: the SQLSTATE if there is one, else a code, else the message, however the library wraps it. */
export function codeOf(failure) {
  const chain = [];
  for (let err = failure; err && chain.length < 8; err = err.cause ?? err.meta ?? err.driverAdapterError) chain.push(err);
  const codes = chain.flatMap((err) => [err.originalCode, err.code]).filter((code) => code !== undefined);
  return codes.find((code) => /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('P2')) ?? codes[0] ?? failure?.message ?? failure;
}
export const outcome = (promise) => Promise.resolve(promise).then(() => 'no error', codeOf);

export const admin = new pg.Pool({ max: 2 });
const issuer = new pg.Pool({ user: 'login_service', max: 1 });
export const close = () => Promise.all([admin.end(), issuer.end()]);

/* A token for the user, in a session that is named after him and the driver. */
export async function login(user, driver, ttl = '1 hour') {
  const text = 'SELECT sessmem.open_session(user_id => $1, session_id => $2, ttl => $3::interval) AS token';
  return (await issuer.query(text, [user, `${driver}/${user}`, ttl])).rows[0].token;
}

const sessionOf = (row) => row.session_id ?? row.sessionId;
const foreignRows = (driver, user, rows) => rows.filter((row) => sessionOf(row) !== `${driver.name}/${user}` || !row.content.startsWith(`${user} `));

/* Tasks of both users at once: each writes, and reads all that there is, without saying whose. Adds to wrote what they wrote. */
export async function many(driver, pool, token, wrote, prepared = true) {
  const wrong = [];
  let operations = 0;
  let next = 0;
  async function task(i) {
    const user = USERS[i % 2];
    const mine = [`${user} ${i}`, `${user} ${i}, again`];
    await pool.within(token[user], async (db) => {
      const look = (rows, n) => {
        operations++;
        const missing = mine.slice(0, n).filter((content) => !rows.some((row) => row.content === content));
        const foreign = foreignRows(driver, user, rows);
        if (missing.length || foreign.length) wrong.push({ user, missing, foreign: foreign.slice(0, 3) });
      };
      await db.write(mine[0]);
      operations++;
      look(await db.read(), 1);
      await (prepared ? db.writePrepared(mine[1]) : db.write(mine[1]));
      operations++;
      look(await (prepared ? db.readPrepared() : db.read()), 2);
    });
    wrote[user].push(...mine);
  }
  await Promise.all(Array.from({ length: AT_ONCE }, async () => { while (next < TASKS) await task(next++); }));
  check(`${operations} operations of ${AT_ONCE} tasks at once on ${CONNECTIONS} connections, 0 wrong`, operations === 4 * TASKS && wrong.length === 0, wrong.slice(0, 5));
}

export async function scenario(driver) {
  console.log(`\n# ${driver.name}`);
  const token = {};
  for (const user of USERS) token[user] = await login(user, driver.name);
  const foreign = (user, rows) => foreignRows(driver, user, rows);

  const wrote = { alice: [], bob: [] };
  const pool = await driver.open(CONNECTIONS);
  await many(driver, pool, token, wrote);
  for (const user of USERS) {
    const read = await pool.within(token[user], (db) => db.read());
    check(`${user} has all that ${user} wrote`, read.map((row) => row.content).sort().join() === wrote[user].sort().join(), read.length);
  }
  const left = await forgotten(pool);
  check(driver.forgotten === '42501' ? 'without a session there is nothing to read, and a write is refused: 42501' : `without a session: ${driver.forgotten}`, left === undefined, left);
  await pool.close();

  /* Code outside of a session: undefined if it comes to what it should. */
  async function forgotten(p) {
    const read = await p.outside((db) => db.read()).then((rows) => `${rows.length} rows`, codeOf);
    const write = await outcome(p.outside((db) => db.write('whose?')));
    return read === (driver.forgotten === '42501' ? '0 rows' : driver.forgotten) && write === driver.forgotten ? undefined : [read, write];
  }

  // ---------------------------------------------------------------- what goes wrong, on one connection

  /* Alice does something, and then bob gets the connection. */
  async function afterwards(what, fn) {
    const one = await driver.open(1);
    try {
      await fn(one);
      const rows = await one.within(token.bob, async (db) => { await db.write('bob again'); return db.read(); });
      wrote.bob.push('bob again');
      check(`${what}: bob, who comes next, has what is bob's`, rows.length === wrote.bob.length && foreign('bob', rows).length === 0, foreign('bob', rows));
      const leftover = await forgotten(one);
      check('... and whoever has no session has nothing', leftover === undefined, leftover);
    } catch (err) {
      check(what, false, err);
    } finally {
      await one.close();
    }
  }
  const expect = async (what, promise, ...codes) => {
    const code = await outcome(promise);
    check(`${what}: ${codes[0] ?? 'refused'}`, codes.length ? codes.includes(code) : code !== 'no error', code);
  };
  const running = (sql) => until(`${sql} runs`, async () => (await admin.query(
    "SELECT pid FROM pg_stat_activity WHERE usename = 'app' AND state = 'active' AND query = $1", [sql])).rows[0]?.pid);

  await afterwards('a task that fails', (one) =>
    expect('a statement fails', one.within(token.alice, async (db) => { await db.read(); await db.run('SELECT 1/0'); }), '22012'));
  await afterwards('a task that throws', (one) =>
    expect('a task throws', one.within(token.alice, async (db) => { await db.read(); throw new Error('gave up'); }), 'gave up'));
  for (const [what, kill, codes] of [
    ['a task whose statement is cancelled', 'SELECT pg_cancel_backend($1)', ['57014']],
    ['a task whose connection is terminated', 'SELECT pg_terminate_backend($1)', []],
  ]) {
    if (driver.crashes && codes.length === 0) {
      console.log(`not run: ${driver.name}: ${what}: ${driver.crashes}`);
      continue;
    }
    await afterwards(what, async (one) => {
      const task = expect(what, one.within(token.alice, (db) => db.run('SELECT pg_sleep(60)')), ...codes);
      await admin.query(kill, [await running('SELECT pg_sleep(60)')]);
      await task;
    });
  }
  await afterwards('a task that does not wait for its last statement', async (one) => {
    let last;
    await expect('a task throws while a statement runs', one.within(token.alice, async (db) => { last = db.run('SELECT pg_sleep(0.2)').catch(() => {}); throw new Error('gave up'); }), 'gave up');
    await last;
  });

  // What is left of alice's task writes, while bob has the connection.
  const one = await driver.open(1);
  let late;
  let go;
  await one.within(token.alice, async (db) => {
    await db.read();
    late = outcome(new Promise((wake) => { go = wake; }).then(() => db.write('alice too late')));
  });
  const seen = await one.within(token.bob, async (db) => {
    await db.read();
    go();
    await Promise.race([late, sleep(1000)]);
    return db.read();
  });
  late = (await late) === 'no error' ? (foreign('bob', seen).length ? FOREIGN : OWN) : REFUSED;
  await one.close();
  check(`a statement that a task sends after its end: ${{ [REFUSED]: 'refused', [OWN]: "in the task's own session", [FOREIGN]: "in the next one's session, as it must be expected" }[driver.late]}`,
    late === driver.late, late);
  await admin.query("BEGIN; SELECT sessmem.maintenance('test'); DELETE FROM messages WHERE content = 'alice too late'; COMMIT");

  // ---------------------------------------------------------------- tokens

  await afterwards('a token that has expired', async (p) => {
    const short = await login('alice', driver.name + '/short', '1 second');
    const code = await until('the token is expired', async () => {
      const now = await outcome(p.within(short, (d) => d.read()));
      return now !== 'no error' && now;
    });
    check('an expired token: 28000', code === '28000', code);
  });
  await afterwards('a token that expires while it is used', async (p) => {
    const short = await login('alice', driver.name + '/shorter', '1 second');
    await expect('a write with a token that has expired meanwhile', p.within(short, async (d) => { await d.read(); await d.run('SELECT pg_sleep(1.2)'); await d.write('alice, expired'); }), '28000', '42501');
  });
  await afterwards('a forged token', async (p) => {
    const [head, body, signature] = token.alice.split('.');
    const claims = { ...JSON.parse(Buffer.from(body, 'base64url')), sid: `${driver.name}/bob`, sub: 'bob' };
    const forged = [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
    await expect('a forged token', p.within(forged, (d) => d.read()), '28000');
  });

  // ---------------------------------------------------------------- the reset of a pool

  await afterwards('DISCARD ALL', async (p) => {
    const rows = await p.within(token.alice, async (db) => { await db.run('DISCARD ALL'); return db.read(); }).then((all) => all.length, codeOf);
    check(`DISCARD ALL in a session leaves: ${driver.discard}`, rows === ({ [NONE]: 0, [ALL]: wrote.alice.length }[driver.discard] ?? driver.discard), rows);
  });
}
