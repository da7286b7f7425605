/*
 * One scenario for every framework: two users work at the same time over one small pool, first on the tables as the framework
 * makes them, then on the same tables protected, by NAME.sql.  A framework is described by NAME.mjs:
 *
 *   title, needs?       its name; the extension that it cannot do without
 *   uses?               an extension that it can do without: ctx.uses says whether it is there
 *   id(user)            the user id that the framework is given (default: the user's name)
 *   start(pool)         the framework's own start-up, migrations included; returns what open() needs
 *   open(app, user, mine)   the framework as one user's request has it; `mine` is kept from one phase to the next, for ids that it mints
 *   remember(h, text)   writes one memory
 *   tables              what it keeps these memories in
 *   reads               { name: (h, of) => texts }: what h gets if it asks for what belongs to the user `of`
 *   attacks             { name: (h, of) => ... }: may fail, must not change what belongs to `of`
 *   refused?            { name: [(h, of) => ..., SQLSTATE] }: must fail so
 *   control?, extra?    (ctx) => more checks, before and after protection
 *   accepted?           findings of audit() that are the framework's way
 *   close?              (h) => closes what open() opened
 */
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { SessionPool, withSession } from 'sessmem';

export const USERS = ['alice', 'bob'];
const CONNECTIONS = 3;
const MEMORIES = 20;
const ROUNDS = 10;

export const results = { passed: 0, failed: 0 };
export function check(name, holds, seen) {
  if (holds) results.passed++; else results.failed++;
  console.log(`${holds ? 'ok' : 'not ok'} - ${name}${holds || seen === undefined ? '' : `\n    got: ${JSON.stringify(seen)?.slice(0, 600)}`}`);
}

/* The SQLSTATE, or the pool's error code, that a call ended with, wherever the framework has wrapped it. */
export async function codeOf(fn) {
  try {
    await fn();
    return 'no error';
  } catch (err) {
    for (let e = err; e; e = e.cause) if (/^([0-9A-Z]{5}|ERR_SESSMEM_.*)$/.test(e.code ?? '')) return e.code;
    return String(err.message).slice(0, 200);
  }
}

async function connect(user, database) {
  const client = new pg.Client({ user, database });
  await client.connect();
  return client;
}

const sorted = (texts) => [...texts].sort().join('|');
const memories = (user, n = MEMORIES) => Array.from({ length: n }, (_, i) => `${user} says ${i}`);

export async function run(name, framework) {
  const database = `sessmem_${name.replaceAll('-', '_')}`;
  const { title, needs, id = (user) => user } = framework;
  console.log(`\n${title}`);
  const server = await connect(undefined, process.env.PGDATABASE ?? 'postgres');
  for (const role of ['app', 'login_service'])
    await server.query(`DO $$ BEGIN CREATE ROLE ${role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$`);
  await server.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  await server.query(`CREATE DATABASE ${database}`);
  const admin = await connect(undefined, database);
  await admin.query(`GRANT CREATE ON DATABASE ${database} TO app; GRANT CREATE ON SCHEMA public TO app`);
  // pg_available_extensions does not list what extension_destdir has
  const has = async (extension) => (await codeOf(() => admin.query(`CREATE EXTENSION ${extension}`))) === 'no error';
  if (needs && !(await has(needs))) {
    console.log(`not run: ${name}: needs the extension ${needs}`);
    await admin.end();
    await server.query(`DROP DATABASE ${database}`);
    return server.end();
  }

  const uses = framework.uses !== undefined && await has(framework.uses);
  if (framework.uses && !uses) console.log(`not run: ${name} with the extension ${framework.uses}`);
  const fresh = () => Object.fromEntries(USERS.map((user) => [user, { userId: id(user), sessionId: `chat-${id(user)}`, ids: [] }]));
  const open = async (app, mine) => Object.fromEntries(await Promise.all(USERS.map(async (user) => [user, await framework.open(app, user, mine[user])])));
  const mine = fresh();

  // as the framework comes: whatever anybody asks for, changes or deletes is anybody's, or the checks below would prove nothing
  {
    const pool = new pg.Pool({ user: 'app', database, max: CONNECTIONS });
    const ctx = { admin, pool, database, uses };
    const app = await framework.start(pool, ctx);
    const everything = async (h) => (await Promise.all(Object.values(framework.reads).map((read) => read(h, h)))).map(sorted).join('/');
    for (const [call, attack] of Object.entries(framework.attacks)) {
      const h = await open(app, fresh());
      for (const user of USERS) await framework.remember(h[user], `${user} says 0`);
      const before = await everything(h.bob);
      await attack(h.alice, h.bob);
      const after = await everything(h.bob);
      check(`unprotected, alice's ${call} changes what is bob's`, before !== after, after);
      await framework.close?.(h);
    }
    await pool.query(`TRUNCATE ${framework.tables.map(pg.escapeIdentifier)} CASCADE`);
    const h = await open(app, mine);
    for (const user of USERS) for (const text of memories(user, 2)) await framework.remember(h[user], text);
    for (const [call, read] of Object.entries(framework.reads))
      check(`unprotected, ${call} gives alice what is bob's`, (await read(h.alice, h.bob)).some((text) => text.startsWith('bob')));
    await framework.control?.({ ...ctx, h });
    await framework.close?.(h);
    await pool.end();
  }

  await admin.query('CREATE EXTENSION sessmem');
  await admin.query(`SELECT sessmem.grant_app('app'), sessmem.grant_issuer('login_service')`);
  await admin.query(await readFile(new URL(`${name}.sql`, import.meta.url), 'utf8'));
  const issuer = await connect('login_service', database);
  const token = {};
  for (const user of USERS) {
    const { rows } = await issuer.query('SELECT sessmem.open_session(user_id => $1, session_id => $2) AS token', [mine[user].userId, mine[user].sessionId]);
    token[user] = rows[0].token;
  }
  await issuer.end();
  const as = (user, fn) => withSession(token[user], fn);

  const pool = new SessionPool({ user: 'app', database, max: CONNECTIONS });
  pool.on('error', () => {}); // DROP DATABASE may be faster than the end of the last connection
  const ctx = { admin, pool, database, uses };
  const without = (fn) => pool.withoutSession(fn);
  const app = await without(() => framework.start(pool, ctx)); // by the owner of the tables, which are protected now
  check('its start-up passes again on protected tables', true);
  const h = await without(() => open(app, mine));
  for (const user of USERS) {
    for (const [call, read] of Object.entries(framework.reads)) {
      const seen = await as(user, () => read(h[user], h[user]));
      check(`${user} still has what he had before protection: ${call}`, sorted(seen) === sorted(memories(user, 2)), seen);
    }
  }

  await Promise.all(USERS.flatMap((user) => memories(user).slice(2).map((text) => as(user, () => framework.remember(h[user], text)))));
  const wrong = [];
  let reads = 0;
  await Promise.all(Array.from({ length: ROUNDS }, () => USERS.map(async (user) => {
    for (const [call, read] of Object.entries(framework.reads)) {
      const other = USERS.find((one) => one !== user);
      const [own, foreign] = await Promise.all([h[user], h[other]].map((of) => as(user, () => read(h[user], of))));
      reads += 2;
      if (sorted(own) !== sorted(memories(user))) wrong.push({ call, user, own });
      if (foreign.some((text) => !text.startsWith(user))) wrong.push({ call, user, foreign });
    }
  })).flat());
  check(`${reads} reads of two users at the same time over ${CONNECTIONS} connections, own data complete, 0 foreign: ${Object.keys(framework.reads).join(', ')}`,
    wrong.length === 0, wrong);

  for (const [call, read] of Object.entries(framework.reads))
    check(`without a session, ${call} gives nothing`, (await without(() => read(h.alice, h.bob))).length === 0);
  const complete = async (what) => {
    for (const [call, read] of Object.entries(framework.reads)) {
      const seen = await as('bob', () => read(h.bob, h.bob));
      if (sorted(seen) !== sorted(memories('bob'))) return check(`${what}: bob's memory is still complete`, false, { call, seen });
    }
    check(`${what}: bob's memory is still complete`, true);
  };
  for (const [call, attack] of Object.entries(framework.attacks)) {
    await as('alice', () => attack(h.alice, h.bob)).catch(() => {});
    await complete(`alice calls ${call} on what is bob's`);
  }
  for (const [call, [attack, code]] of Object.entries(framework.refused ?? {})) {
    const answer = await codeOf(() => as('alice', () => attack(h.alice, h.bob)));
    check(`alice calls ${call} on what is bob's: ${code}`, answer === code, answer);
  }
  check('a write without a session is refused', (await codeOf(() => without(() => framework.remember(h.alice, 'x')))) === '42501');
  const nobody = await codeOf(() => framework.remember(h.alice, 'x'));
  check('outside of any session the pool gives no connection', nobody === 'ERR_SESSMEM_NO_SESSION', nobody);
  await framework.extra?.({ ...ctx, h, as, token, complete });
  await complete('at the end');
  const { rows: gaps } = await admin.query(`SELECT severity, object, check_id FROM sessmem.audit() WHERE severity IN ('critical', 'high')
    AND object ~ '^public\\.' AND check_id <> ALL ($1)`, [framework.accepted ?? []]);
  check('audit() finds no gap of high severity in its tables', gaps.length === 0, gaps);

  await framework.close?.(h);
  await pool.end();
  await admin.end();
  await server.query(`DROP DATABASE ${database} WITH (FORCE)`);
  await server.end();
}
