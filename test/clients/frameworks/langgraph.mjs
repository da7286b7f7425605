/* LangGraph's long-term memory. A graph with the checkpointer is in test/clients/langgraph. */
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import { PostgresStore } from '@langchain/langgraph-checkpoint-postgres/store';
import { openStore } from './open-store.mjs';
import { check, codeOf, USERS } from './scenario.mjs';

const id = (user) => ({ alice: 'alice', bob: 'alice2' })[user]; // one is the beginning of the other

/* No network: the letters of a text are its vector. */
const index = { dims: 5, fields: ['text'], embed: async (all) => all.map((text) => [...'aeiou'].map((vowel) => 1 + text.split(vowel).length)) };

const texts = (items) => items.map((item) => item.value.text);

export default {
  title: "LangGraph's PostgresStore",
  id,
  accepted: ['guard.foreign_code'], // a trigger of LangGraph's own, which keeps updated_at
  tables: ['store'],
  uses: 'vector',
  async start(pool, { database, uses }) {
    const store = new PostgresStore({ connectionOptions: { user: 'app', database }, ...(uses && { index }) });
    await store.setup();
    await store.stop();
    await new PostgresSaver(pool).setup();
    return { pool, options: uses ? { index } : {} };
  },
  open: ({ pool, options }, user, mine) => ({ store: openStore(pool, options), namespace: [mine.userId, 'notes'], keys: mine.ids, vector: options.index }),
  async remember(h, text) {
    h.keys.push(text);
    await h.store.put(h.namespace, text, { text });
  },
  reads: {
    'search()': async (h, of) => texts(await h.store.search(of.namespace, { limit: 1000 })),
    'search() for words': async (h, of) => texts(await h.store.search(of.namespace, { query: 'says', mode: 'text', limit: 1000 })),
    'search() by vector': async (h, of) => texts(await h.store.search(of.namespace, { query: 'says', limit: 1000, mode: h.vector ? 'vector' : 'text' })),
    'search() by vector and words': async (h, of) => texts(await h.store.search(of.namespace, { query: 'says', limit: 1000, mode: h.vector ? 'hybrid' : 'text' })),
    'get()': async (h, of) => texts((await Promise.all(of.keys.map((key) => h.store.get(of.namespace, key)))).filter(Boolean)),
    'batch()': async (h, of) => texts((await h.store.batch([{ namespacePrefix: of.namespace, limit: 1000 }])).flat()),
  },
  attacks: {
    'delete()': (h, of) => Promise.all(of.keys.map((key) => h.store.delete(of.namespace, key))),
  },
  refused: {
    'put() of a new key': [(h, of) => h.store.put(of.namespace, 'planted', { text: 'planted' }), '42501'],
    'put() of a key that is there': [(h, of) => h.store.put(of.namespace, 'bob says 1', { text: 'planted' }), '42501'],
  },
  async control({ h }) {
    const found = texts(await h.alice.store.search([id('alice')]));
    check("unprotected, alice's own search of her namespace finds bob's, which begins with the same letters", found.some((text) => text.startsWith('bob')), found);
    const spaces = (await h.alice.store.listNamespaces({ prefix: [id('alice')] })).map(String);
    check("unprotected, listNamespaces() of her namespace names bob's", spaces.includes('alice2,notes'), spaces);
  },
  async extra({ h, as, token, database, admin, pool }) {
    const everything = ['alice', 'alice2', 'ali', 'a'];
    for (const user of USERS) {
      for (const prefix of everything) {
        const found = texts(await as(user, () => h[user].store.search([prefix], { limit: 1000 })));
        check(`${user} searches the prefix "${prefix}": own rows only`, found.length === 20 * id(user).startsWith(prefix) && found.every((text) => text.startsWith(user)), found);
      }
      const spaces = (await as(user, () => h[user].store.listNamespaces())).map(String);
      check(`${user}'s listNamespaces() has one namespace`, spaces.join() === `${id(user)},notes`, spaces);
      const vectors = (await as(user, () => pool.query("SELECT to_regclass('store_vectors') AS there"))).rows[0].there
        ? (await as(user, () => pool.query('SELECT text_content FROM store_vectors'))).rows.map((row) => row.text_content) : null;
      if (vectors) check(`${user}'s vectors are his own`, vectors.length === 20 && vectors.every((text) => text.startsWith(user)), vectors);
      const stats = await as(user, () => h[user].store.getStats());
      check(`${user}'s getStats() counts his own`, stats.totalItems === 20 && stats.namespaceCount === 1, stats);
    }
    const label = await codeOf(() => as('alice', () => h.alice.store.put(['alice2:notes'], 'k', { text: 'planted' })));
    check("a label with the separator in it does not get into bob's namespace: 42501", label === '42501', label);
    check('a namespace of nobody is refused: 42501', (await codeOf(() => as('alice', () => h.alice.store.put(['shared'], 'k', {})))) === '42501');

    // without a pool of one's own: the token in the startup packet of the store's own connections
    const connection = { user: 'app', database };
    const store = new PostgresStore({ connectionOptions: { ...connection, options: `-c sessmem.token=${token.bob}` }, ensureTables: false });
    const found = texts(await store.search(['alice'], { limit: 1000 }));
    check("a store whose connections carry bob's token finds bob's, completely", found.length === 20 && found.every((text) => text.startsWith('bob')), found);
    await store.stop();
    const { rows } = await admin.query(`SELECT count(*) FILTER (WHERE kind = 'foreign_write') > 0 AS recorded FROM sessmem.violations`);
    check('what was refused is in sessmem.violations', rows[0].recorded);
  },
};
