/* mem0's memories in pgvector. The user of the token is its userId. */
import { randomUUID } from 'node:crypto';
import { Embeddings } from '@langchain/core/embeddings';
import { Memory } from 'mem0ai/oss';
import { openMemory } from './open-memory.mjs';
import { check, USERS } from './scenario.mjs';

/* No network: the letters of a text are its vector. */
class Letters extends Embeddings {
  constructor() { super({}); }
  embedQuery(text) { return Promise.resolve([...'aeiou'].map((vowel) => 1 + text.split(vowel).length)); }
  embedDocuments(all) { return Promise.all(all.map((text) => this.embedQuery(text))); }
}

const config = (connectionString) => ({
  embedder: { provider: 'langchain', config: { model: new Letters() } },
  llm: { provider: 'openai', config: { apiKey: 'none: infer is false' } },
  vectorStore: { provider: 'pgvector', config: { connectionString, collectionName: 'memories', embeddingModelDims: 5, dimension: 5 } },
  disableHistory: true, // it would be a copy of everything in a file
});

const of = (h) => ({ filters: { user_id: h.userId }, topK: 1000 });
const texts = ({ results }) => results.map((item) => item.memory);

export default {
  title: "mem0's Memory",
  needs: 'vector',
  tables: ['memories'],
  async start(pool, { database }) {
    const connectionString = `postgres://app@/${database}`;
    const first = new Memory(config(connectionString));
    await first.vectorStore.initialize();
    await (await first.getEntityStore()).close();
    await first.vectorStore.close();
    return { pool, connectionString };
  },
  open: async ({ pool, connectionString }, user, mine) => ({ ...mine, connectionString, memory: await openMemory(pool, config(connectionString)) }),
  async remember(h, text) {
    const { results } = await h.memory.add(text, { userId: h.userId, infer: false });
    h.ids.push(results[0].id);
  },
  reads: {
    'getAll()': async (h, one) => texts(await h.memory.getAll(of(one))),
    'search()': async (h, one) => texts(await h.memory.search('who says what', { ...of(one), threshold: 0 })),
    'get()': async (h, one) => (await Promise.all(one.ids.map((id) => h.memory.get(id)))).filter(Boolean).map((item) => item.memory),
    'list() of the vector store': async (h) => (await h.memory.vectorStore.list({}, 1000))[0].map((row) => row.payload.data),
    'search() of the vector store': async (h) => (await h.memory.vectorStore.search([1, 1, 1, 1, 1], 1000)).map((row) => row.payload.data),
    'keywordSearch()': async (h, one) => (await h.memory.vectorStore.keywordSearch('say', 1000, { user_id: one.userId })).map((row) => row.payload.data),
  },
  attacks: {
    'update()': (h, one) => Promise.allSettled(one.ids.map((id) => h.memory.update(id, 'planted'))),
    'delete()': (h, one) => Promise.allSettled(one.ids.map((id) => h.memory.delete(id))),
    'deleteAll()': (h, one) => h.memory.deleteAll({ userId: one.userId }),
    'delete() of the vector store': (h, one) => Promise.all(one.ids.map((id) => h.memory.vectorStore.delete(id))),
  },
  refused: {
    'add()': [(h, one) => h.memory.add('planted', { userId: one.userId, infer: false }), '42501'],
    'deleteCol()': [(h) => h.memory.vectorStore.deleteCol(), '42501'],
  },
  async extra({ h, as, token }) {
    const [mine] = h.alice.ids;
    await as('alice', () => h.alice.memory.update(mine, 'alice says 0'));
    check('alice updates a memory of her own', (await as('alice', () => h.alice.memory.get(mine))).memory === 'alice says 0');

    const { results: [{ id: run }] } = await as('alice', () => h.alice.memory.add('alice says 20', { runId: 'run-of-nobody', infer: false }));
    check('a memory of a run alone is of the user who wrote it', (await as('alice', () => h.alice.memory.get(run))).memory === 'alice says 20'
      && (await as('bob', () => h.bob.memory.get(run))) === null);
    await as('alice', () => h.alice.memory.delete(run));
    for (const user of USERS) {
      const entities = await h[user].memory.getEntityStore();
      await as(user, () => entities.insert([[1, 1, 1, 1, 1]], [randomUUID()], [{ data: `${user}'s kettle`, user_id: user }]));
    }
    const kettles = (await as('alice', async () => (await h.alice.memory.getEntityStore()).list({})))[0].map((row) => row.payload.data);
    check("alice's entities are hers", kettles.join() === "alice's kettle", kettles);

    // without a pool: the token in the connection string of each Memory
    for (const user of USERS) {
      const one = new Memory(config(`${h[user].connectionString}?options=${encodeURIComponent(`-c sessmem.token=${token[user]}`)}`));
      const seen = (await one.vectorStore.list({}, 1000))[0].map((row) => row.payload.data);
      check(`a Memory whose connection carries ${user}'s token finds ${user}'s, completely`, seen.length === 20 && seen.every((text) => text.startsWith(user)), seen);
      await one.vectorStore.close();
    }
  },
};
