/*
 * An unmodified LangGraph checkpointer on protected tables. Two users' graphs run at the same time over one small pool,
 * first on the tables as the package makes them, then on the same tables protected.
 *
 * PGHOST, PGPORT, PGUSER (a superuser) and the other libpq variables say where. The run makes the roles "app" and
 * "login_service" if they are missing and a database of its own, which it removes again.
 * Exit code 0 if every check holds.
 */
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import pg from 'pg';
import { SessionPool, withSession } from 'sessmem';
import { complete, converse, thread, threadsIn, toArray, TURNS, USERS } from './agent.mjs';

const DATABASE = 'sessmem_langgraph';
const TABLES = ['checkpoints', 'checkpoint_blobs', 'checkpoint_writes'];
const NO_SESSION = 'ERR_SESSMEM_NO_SESSION';
const CONNECTIONS = 3; // for 40 notes that are written at the same time

let passed = 0;
let failed = 0;
function check(name, holds, seen) {
  if (holds) passed++; else failed++;
  console.log(`${holds ? 'ok' : 'not ok'} - ${name}${holds || seen === undefined ? '' : `\n    got: ${JSON.stringify(seen)}`}`);
}
const codeOf = (promise) => promise.then(() => 'no error', (err) => err.code ?? err.message);

async function connect(user, database = DATABASE) {
  const client = new pg.Client({ user, database });
  await client.connect();
  return client;
}

/* As the package comes: a plain pool, plain tables. This is what has to be different afterwards. */
async function control() {
  console.log('\nControl: the tables as the package makes them, no protection');
  const pool = new pg.Pool({ user: 'app', database: DATABASE, max: CONNECTIONS });
  const saver = new PostgresSaver(pool);
  await saver.setup();
  const { graph, seenInside } = await converse(saver, (user, fn) => fn());
  for (const user of USERS) check(`${user}'s memory is complete`, complete(user, (await graph.getState(thread(user))).values));
  check("list({}) returns everybody's threads", threadsIn(await toArray(saver.list({}))).join() === 'thread-alice,thread-bob');
  check("alice's own agent has read bob's thread", seenInside.alice.has('thread-bob'));
  check("anybody can get bob's checkpoint", (await saver.getTuple(thread('bob'))) !== undefined);
  const victim = await saver.getTuple(thread('bob'));
  check("anybody can write to bob's thread",
    (await codeOf(saver.put(thread('bob'), { ...victim.checkpoint, id: 'planted' }, {}, {}))) === 'no error');
  await pool.query(`DROP TABLE ${TABLES.join(', ')}, checkpoint_migrations`);
  await pool.end();
}

/* The same agent, pool size and package; the tables protected, the pool a SessionPool. */
async function isolated(admin) {
  console.log("\nProtected: the application's own tables, protected on thread_id");
  const pool = new SessionPool({ user: 'app', database: DATABASE, max: CONNECTIONS });
  const saver = new PostgresSaver(pool);
  await pool.withoutSession(() => saver.setup());
  for (const table of TABLES) await admin.query(`SELECT sessmem.protect('${table}', session_column => 'thread_id')`);
  check('setup() passes again on protected tables', (await codeOf(pool.withoutSession(() => new PostgresSaver(pool).setup()))) === 'no error');

  const issuer = await connect('login_service');
  const token = {};
  for (const user of USERS) {
    const { rows } = await issuer.query('SELECT sessmem.open_session(user_id => $1, session_id => $2) AS token', [user, `thread-${user}`]);
    token[user] = rows[0].token;
  }
  await issuer.end();
  const as = (user, fn) => withSession(token[user], fn);

  const { graph, seenInside } = await converse(saver, as);
  for (const user of USERS) {
    const other = USERS.find((name) => name !== user);
    const all = await as(user, () => toArray(saver.list({})));
    const state = await as(user, () => graph.getState(thread(user)));
    check(`${user}'s memory is complete`, complete(user, state.values), state.values);
    check(`${user}'s history is complete`, all.length === TURNS * 4, all.length);
    check(`list({}) returns only ${user}'s thread`, threadsIn(all).join() === `thread-${user}`, threadsIn(all));
    check(`${user}'s agent read only ${user}'s thread`, [...seenInside[user]].join() === `thread-${user}`, [...seenInside[user]]);
    check(`${user} asks for ${other}'s checkpoint and gets undefined`,
      (await as(user, () => saver.getTuple(thread(other)))) === undefined);
  }
  check('list({}) without a session returns nothing', (await pool.withoutSession(() => toArray(saver.list({})))).length === 0);
  check('list({}) outside of a session is refused', (await codeOf(toArray(saver.list({})))) === NO_SESSION);

  const victim = await as('bob', () => saver.getTuple(thread('bob')));
  const planted = { ...victim.checkpoint, id: 'planted' };
  const refused = async (name, fn, code = '42501') => {
    const answer = await codeOf(fn());
    check(`${name}: ${code}`, answer === code, answer);
  };
  const put = (checkpoint, versions = {}) => saver.put(thread('bob'), checkpoint, {}, versions);
  await refused("alice puts a checkpoint into bob's thread", () => as('alice', () => put(planted)));
  await refused("alice overwrites bob's checkpoint", () => as('alice', () => put(victim.checkpoint)));
  await refused("alice puts a blob into bob's thread", () => as('alice', () => put(planted, { heard: 99 })));
  await refused("alice puts a write into bob's thread",
    () => as('alice', () => saver.putWrites(thread('bob', { checkpoint_id: 'planted' }), [['heard', 'x']], 'task')));
  await refused('a put without a session', () => pool.withoutSession(() => put(planted)));
  await refused('a put outside of a session', () => put(planted), NO_SESSION);
  const [head, body, signature] = token.alice.split('.');
  const claims = { ...JSON.parse(Buffer.from(body, 'base64url')), sid: 'thread-bob' };
  const forged = [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
  await refused("alice's token with bob's session written into it", () => withSession(forged, () => toArray(saver.list({}))), '28000');
  for (const [what, sql] of [
    ['switches row security off', 'ALTER TABLE checkpoints DISABLE ROW LEVEL SECURITY'],
    ['lifts it from the owner', 'ALTER TABLE checkpoint_blobs NO FORCE ROW LEVEL SECURITY'],
    ['drops a policy', 'DROP POLICY sessmem_restrictive ON checkpoint_writes'],
    ['disables the guard', 'ALTER TABLE checkpoints DISABLE TRIGGER ALL'],
    ['puts another table in its place', 'ALTER TABLE checkpoints RENAME TO old_checkpoints'],
    ['drops it', 'DROP TABLE checkpoint_blobs'],
    ['keeps a copy of everything', 'CREATE MATERIALIZED VIEW copy AS SELECT * FROM checkpoints'],
  ]) await refused(`the application, which owns the tables, ${what}`, () => as('alice', () => pool.query(sql)));
  await as('alice', () => saver.deleteThread('thread-bob'));
  check("alice deletes bob's thread: bob's memory is still complete",
    complete('bob', (await as('bob', () => graph.getState(thread('bob')))).values));

  check(`one pool of ${CONNECTIONS} connections served it all`, pool.totalCount <= CONNECTIONS, pool.totalCount);
  await pool.end();
}

async function main() {
  const server = await connect(undefined, process.env.PGDATABASE ?? 'postgres');
  for (const role of ['app', 'login_service'])
    await server.query(`DO $$ BEGIN CREATE ROLE ${role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$`);
  await server.query(`DROP DATABASE IF EXISTS ${DATABASE}`);
  await server.query(`CREATE DATABASE ${DATABASE}`);
  const admin = await connect(undefined);
  await admin.query(`GRANT CREATE ON DATABASE ${DATABASE} TO app; GRANT CREATE ON SCHEMA public TO app`);
  await control();
  await admin.query(`CREATE EXTENSION sessmem; SELECT sessmem.grant_app('app'); SELECT sessmem.grant_issuer('login_service')`);
  await isolated(admin);
  await admin.end();
  await server.query(`DROP DATABASE ${DATABASE}`);
  await server.end();
}

await main().catch((err) => check(`the run ended early: ${err.stack ?? err}`, false));
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1); // whatever a failed run has left open
