/* What is particular to clients/node. */
import { createRequire } from 'node:module';
import pg from 'pg';
import Cursor from 'pg-cursor';
import { APP } from './drivers.mjs';
import { openDatabase, messages } from './drizzle.mjs';
import { SessionPool, withSession } from 'sessmem';
import * as example from './session-pool.mjs';
import { admin, check, login, outcome, sleep, USERS } from './scenario.mjs';

const ASK = 'SELECT sessmem.session_id() AS id';
const idOf = ({ rows }) => rows[0].id;
const back = (resolve, reject) => (err, result) => (err ? reject(err) : resolve(result));
const is = async (name, promise, expected) => { const got = await outcome(promise); check(name, got === expected, got); };

export async function poolTests() {
  console.log('\n# clients/node');
  const token = {};
  for (const user of USERS) token[user] = await login(user, 'pool');
  const as = (user, fn) => withSession(token[user], fn);
  const open = (max = 1, options = {}) => new SessionPool({ ...APP, max, ...options });

  // ---------------------------------------------------------------- a Pool, in every form

  let pool = open(3);
  check('it is a pg.Pool', pool instanceof pg.Pool);
  check('import and require() give the same one', createRequire(import.meta.url)('sessmem').SessionPool === SessionPool);
  const forms = {
    'query()': () => pool.query(ASK),
    'query(values)': () => pool.query(`${ASK}, $1::text`, ['x']),
    'query(config)': () => pool.query({ name: 'ask', text: ASK }),
    'query(callback)': () => new Promise((y, n) => { pool.query(ASK, back(y, n)); }),
    'query(values, callback)': () => new Promise((y, n) => { pool.query(`${ASK}, $1::text`, ['x'], back(y, n)); }),
    'query() in a callback of query()': () => new Promise((y, n) => { pool.query(ASK, () => pool.query(ASK, back(y, n))); }),
    'connect()': async () => { const client = await pool.connect(); try { return await client.query(ASK); } finally { client.release(); } },
    'connect(callback)': () => new Promise((y, n) => {
      pool.connect((err, client, done) => (err ? n(err) : client.query(ASK, (e, result) => { done(e); back(y, n)(e, result); })));
    }),
    'query() in a callback of client.query()': () => new Promise((y, n) => {
      pool.connect((err, client, done) => (err ? n(err) : client.query(ASK, () => { done(); pool.query(ASK, back(y, n)); })));
    }),
    'a cursor': async () => {
      const client = await pool.connect();
      try { return { rows: await client.query(new Cursor(ASK)).read(10) }; } finally { client.release(); }
    },
    'transaction()': () => pool.transaction((client) => client.query(ASK)),
  };
  pool.on('acquire', (client) => client.query(ASK).then((result) => idle.add(idOf(result)), () => {}));
  const idle = new Set(); // the sessions in which connections are handed out, before the pool says anything to them
  const wrong = [];
  const names = Object.keys(forms);
  await Promise.all(Array.from({ length: 60 * names.length }, async (_, i) => {
    const name = names[i % names.length];
    const user = [...USERS, null][Math.floor(i / names.length) % 3];
    const got = user ? idOf(await as(user, forms[name])) : await outcome(forms[name]());
    const none = idOf(await pool.withoutSession(forms[name]));
    if (got !== (user ? `pool/${user}` : 'ERR_SESSMEM_NO_SESSION') || none !== null) wrong.push([name, user, got, none]);
  }));
  check(`${names.length} forms, mixed, 60 calls of each in two sessions, in none, and without: 0 wrong`, wrong.length === 0, wrong.slice(0, 5));
  check('a connection in the pool is in no session', [...idle].every((id) => id === null), [...idle]);
  check('the pool was as large as it may be', pool.totalCount <= 3, pool.totalCount);
  await pool.end();

  // ---------------------------------------------------------------- what withSession() covers

  pool = open();
  await is('without a session no connection is asked for', pool.query(ASK), 'ERR_SESSMEM_NO_SESSION');
  check('... not even opened', pool.totalCount === 0, pool.totalCount);
  for (const bad of [undefined, null, '', 7]) await is(`withSession(${JSON.stringify(bad)})`, (async () => withSession(bad, () => {}))(), 'ERR_SESSMEM_NO_TOKEN');
  check('it returns what the function returns', as('alice', () => 7) === 7);
  const nested = await as('alice', async () => [idOf(await as('bob', () => pool.query(ASK))), idOf(await pool.query(ASK)),
    idOf(await pool.withoutSession(() => pool.query(ASK))), idOf(await pool.query(ASK))]);
  check('sessions nest', nested.join() === 'pool/bob,pool/alice,,pool/alice', nested);
  const other = open();
  await is('withoutSession() of another pool is not for this one', other.withoutSession(() => pool.query(ASK)), 'ERR_SESSMEM_NO_SESSION');
  await other.end();
  async function* generator() { yield pool.query(ASK); }
  const lazy = as('alice', () => generator());
  await is('a generator that is consumed outside', lazy.next(), 'ERR_SESSMEM_NO_SESSION');
  const db = openDatabase(APP);
  await is('a query builder that is awaited outside', as('alice', () => db.select().from(messages)), 'no error');
  await db.$client.end();

  // ---------------------------------------------------------------- connections

  const left = await as('alice', () => pool.connect());
  left.release();
  await is('a query after release()', (async () => left.query(ASK))(), 'ERR_SESSMEM_RELEASED');
  await is('a second release()', (async () => left.release())(), 'Release called on client which has already been released to the pool.');
  const held = await as('alice', () => pool.connect());
  await is("a query in another session's context", as('bob', async () => held.query(ASK)), 'ERR_SESSMEM_OTHER_SESSION');
  await is('... or in none', pool.withoutSession(async () => held.query(ASK)), 'ERR_SESSMEM_OTHER_SESSION');
  const plain = held.query;
  held.query = (...args) => plain(...args); // what people do to find who keeps a connection
  check('query() can be wrapped', idOf(await as('alice', () => held.query(ASK))) === 'pool/alice');
  held.release();
  const again = await as('bob', () => pool.connect());
  check('... for this checkout only', again.query !== held.query && idOf(await as('bob', () => again.query(ASK))) === 'pool/bob');
  again.release();

  const closes = async (name, fn) => {
    const client = await as('alice', () => pool.connect());
    const closed = new Promise((yes) => { pool.once('remove', () => yes(true)); setTimeout(yes, 5000, false).unref(); });
    await fn(client);
    client.release();
    check(`${name} is closed`, await closed);
    check('... and the next one has the right session', idOf(await as('bob', () => pool.query(ASK))) === 'pool/bob');
  };
  await closes('a connection given back inside of a transaction', (client) => client.query('BEGIN'));
  await closes('a connection that cannot detach', async (client) => { await client.query('BEGIN'); await client.query('SELECT 1/0').catch(() => {}); });
  await pool.end();

  // a connection that was opened with a token has none of it
  for (const [name, form] of Object.entries({ 'query()': () => pool.query(ASK), 'transaction()': () => pool.transaction((client) => client.query(ASK)) })) {
    pool = open(1, { options: `-c sessmem.token=${token.alice}` });
    check(`${name} without a session, on a connection opened with a token`, idOf(await pool.withoutSession(form)) === null);
    check('... and in another session', idOf(await as('bob', form)) === 'pool/bob');
    await pool.end();
  }

  // what the driver calls runs in no session, though the socket was opened by somebody in one
  pool = open();
  await as('alice', () => pool.query(ASK));
  const cursor = await as('bob', () => pool.connect());
  const another = open();
  await is('a callback that only the driver knows of has no session', as('bob', () => new Promise((yes, no) => {
    cursor.query(new Cursor(ASK)).read(10, () => another.query(ASK).then(yes, no));
  })), 'ERR_SESSMEM_NO_SESSION');
  cursor.release();
  await another.end();
  const removed = new Promise((yes) => { pool.once('remove', () => yes(true)); setTimeout(yes, 5000, false).unref(); });
  await is('a bad token', withSession('bad', () => pool.query(ASK)), '28000');
  check('... and the connection is closed', await removed);
  await pool.end();

  // ---------------------------------------------------------------- transaction()

  pool = open();
  const write = (client, content) => client.query('INSERT INTO messages (content) VALUES ($1)', [content]);
  const written = async () => (await as('alice', () => pool.query('SELECT content FROM messages ORDER BY id'))).rows.map((row) => row.content).join();
  await is('transaction() commits', as('alice', () => pool.transaction((client) => write(client, 'one'))), 'no error');
  await is('... rolls back if its function fails', as('alice', () => pool.transaction(async (client) => { await write(client, 'two'); throw new Error('no'); })), 'no');
  await is('... fails if its function has swallowed an error', as('alice', () => pool.transaction(async (client) => {
    await write(client, 'three');
    await client.query('SELECT 1/0').catch(() => {});
  })), 'ERR_SESSMEM_ROLLED_BACK');
  await is('... fails if its function gives the connection back', as('alice', () => pool.transaction(async (client) => { await write(client, 'four'); client.release(); })),
    'Release called on client which has already been released to the pool.');
  check('... and only what was committed is there', (await written()) === 'one', await written());
  let late;
  await as('alice', () => pool.transaction((client) => { late = client; }));
  await is('... whose connection is of no use after it', (async () => late.query(ASK))(), 'ERR_SESSMEM_RELEASED');
  await is('... not in withoutSession()', pool.withoutSession(() => pool.transaction((client) => write(client, 'nobody'))), '42501');

  const said = [await example.request(pool, token.bob, 'hello'), await example.transaction(pool, token.bob, 'again')];
  check('the example of the page works', said.map((rows) => rows.map((row) => row.content).join()).join('; ') === 'hello; hello,again', said);

  const pid = async (client) => (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
  const died = await outcome(as('alice', () => pool.transaction(async (client) => {
    await admin.query('SELECT pg_terminate_backend($1)', [await pid(client)]);
    await sleep(100);
    await write(client, 'five');
  })));
  check('a connection that breaks in a transaction is an error of it, and not the end of the process', died !== 'no error', died);
  check('... and the next one works', idOf(await as('bob', () => pool.query(ASK))) === 'pool/bob');
  await pool.end();

  // a statement that the driver has given up, and the server has not
  pool = open(1, { query_timeout: 300 });
  for (const [name, form] of Object.entries({ 'connect()': async (text) => { const client = await pool.connect(); try { return await client.query(text); } finally { client.release(); } },
    'transaction()': (text) => pool.transaction((client) => client.query(text)) })) {
    await is(`query_timeout in ${name}`, as('alice', () => form('SELECT pg_sleep(1)')), 'Query read timeout');
    check('... and the next one has the right session', idOf(await as('bob', () => form(ASK))) === 'pool/bob');
  }
  await pool.end();
}
