/* Mastra's storage: threads, messages, working memory, observations, workflow runs. The user of the token is its resourceId. */
import { PostgresStore } from '@mastra/pg';
import { openVectors } from './open-vectors.mjs';
import { check, codeOf, USERS } from './scenario.mjs';

const message = (h, id, text, threadId = h.threadId, resourceId = h.userId) => ({
  id, threadId, resourceId, role: 'user', type: 'v2', createdAt: new Date(),
  content: { format: 2, parts: [{ type: 'text', text }] },
});
const texts = (messages) => messages.map(({ content }) => content.parts[0].text);
const indexName = 'memory_messages';
const page = { perPage: false };

const snapshot = (h, run, extra) => h.workflows.persistWorkflowSnapshot({
  workflowName: 'w', runId: `${run} of ${h.userId}`, snapshot: { runId: run, status: 'success', context: { input: { heard: h.userId } }, value: {}, activePaths: [], suspendedPaths: {}, timestamp: 1 }, ...extra,
});

async function semanticRecall({ h, as }) {
  const { vectors } = h.alice;
  const upsert = (user, ids, owner = user) => as(user, () => vectors.upsert({
    indexName, ids, vectors: ids.map(() => [1, 1]), metadata: ids.map((id) => ({ message_id: id, thread_id: h[owner].threadId, resource_id: h[owner].userId })),
  }));
  const recall = async (user, filter) => (await as(user, () => vectors.query({ indexName, queryVector: [1, 1], topK: 100, filter }))).map(({ id }) => id).sort().join();
  const ids = Object.fromEntries(USERS.map((user) => [user, Array.from({ length: 9 }, (_, i) => `${user} ${i}`)]));
  await Promise.all(USERS.map((user) => upsert(user, ids[user])));
  for (const user of USERS) check(`${user}'s semantic recall without a filter finds all of ${user}'s, and nothing else`, (await recall(user)) === ids[user].join());
  check("alice's semantic recall of bob's messages finds none", (await recall('alice', { resource_id: h.bob.userId })) === '');
  for (const [what, refused] of [['saves a vector under the id of one of', () => upsert('alice', [ids.bob[0]])], ['saves a vector in the name of', () => upsert('alice', ['new'], 'bob')]]) {
    const code = await codeOf(refused);
    check(`alice ${what} bob's: 42501`, code === '42501', code);
  }
  await as('alice', () => vectors.deleteVectors({ indexName, filter: { resource_id: h.bob.userId } }));
  await as('alice', () => vectors.deleteVector({ indexName, id: ids.bob[1] })).catch(() => {});
  check("alice deletes bob's vectors: bob's are still complete", (await recall('bob')) === ids.bob.join());
}

export default {
  title: "Mastra's PostgresStore",
  accepted: ['guard.foreign_code'], // a trigger of Mastra's own, which keeps the timestamps of mastra_ai_spans
  tables: ['mastra_threads', 'mastra_messages'],
  uses: 'vector',
  async start(pool, { database, uses }) {
    const storage = new PostgresStore({ id: 'memory', pool });
    await storage.init();
    const vectors = uses && await openVectors(pool, { id: 'recall', connectionString: `postgres://app@/${database}` });
    if (vectors) await vectors.createIndex({ indexName, dimension: 2 });
    return { storage, vectors };
  },
  async open({ storage, vectors }, user, { userId, ids }) {
    return { userId, ids, vectors, threadId: `thread-${userId}`, memory: await storage.getStore('memory'), state: await storage.getStore('threadState'), workflows: await storage.getStore('workflows'), knowledge: await storage.getStore('knowledge') };
  },
  async remember(h, text) {
    const id = `message-${text}`;
    if (!(await h.memory.getThreadById({ threadId: h.threadId })))
      await h.memory.saveThread({ thread: { id: h.threadId, resourceId: h.userId, title: 'about kettles', createdAt: new Date(), updatedAt: new Date() } });
    await h.memory.saveMessages({ messages: [message(h, id, text)] });
    h.ids.push(id);
  },
  reads: {
    'listMessages()': async (h, of) => texts((await h.memory.listMessages({ threadId: of.threadId, ...page })).messages),
    'listMessagesByResourceId()': async (h, of) => texts((await h.memory.listMessagesByResourceId({ resourceId: of.userId, ...page })).messages),
    'listMessagesById()': async (h, of) => texts((await h.memory.listMessagesById({ messageIds: of.ids })).messages),
  },
  attacks: {
    'deleteMessages()': (h, of) => h.memory.deleteMessages(of.ids),
    'deleteThread()': (h, of) => h.memory.deleteThread({ threadId: of.threadId }),
    'updateMessages()': (h, of) => h.memory.updateMessages({ messages: of.ids.map((id) => ({ id, content: { parts: [{ type: 'text', text: 'planted' }] } })) }),
    'updateThreadResourceId()': (h, of) => h.memory.updateThreadResourceId({ threadId: of.threadId, resourceId: h.userId }),
  },
  refused: {
    'saveThread() with the id': [(h, of) => h.memory.saveThread({ thread: { id: of.threadId, resourceId: h.userId, title: 'x', createdAt: new Date(), updatedAt: new Date() } }), '42501'],
    'saveThread() in the name': [(h, of) => h.memory.saveThread({ thread: { id: 'new', resourceId: of.userId, title: 'x', createdAt: new Date(), updatedAt: new Date() } }), '42501'],
    'saveResource()': [(h, of) => h.memory.saveResource({ resource: { id: of.userId, workingMemory: 'planted', createdAt: new Date(), updatedAt: new Date() } }), '42501'],
    'dangerouslyClearAll()': [(h) => h.memory.dangerouslyClearAll(), '42501'],
  },
  async control({ h }) {
    for (const one of Object.values(h)) {
      await snapshot(one, 'a run before protection', { resourceId: one.userId });
      await one.state.setState({ threadId: one.threadId, type: 'goal', value: { of: one.userId } });
    }
    const runs = (await h.alice.workflows.listWorkflowRuns({})).runs;
    check("unprotected, alice's listWorkflowRuns() has bob's run", runs.some(({ runId }) => runId.endsWith('bob')));
  },
  async extra({ h, as }) {
    const title = await codeOf(() => as('alice', () => h.alice.memory.updateThread({ id: h.bob.threadId, title: 'planted', metadata: {} })));
    check("alice's updateThread() finds no thread of bob's", title !== 'no error', title);
    for (const user of USERS) {
      await as(user, async () => {
        await h[user].memory.saveResource({ resource: { id: h[user].userId, workingMemory: `${user}'s working memory`, createdAt: new Date(), updatedAt: new Date() } });
        await h[user].memory.initializeObservationalMemory({ threadId: h[user].threadId, resourceId: h[user].userId, scope: 'thread', config: {} });
        await snapshot(h[user], 'a run');
      });
    }
    for (const [user, other] of [USERS, [...USERS].reverse()]) {
      const { memory, state, workflows, userId } = h[user];
      await as(user, async () => {
        const threads = (await memory.listThreads({ ...page })).threads.map((thread) => thread.id);
        check(`${user}'s listThreads() without a filter has one thread`, threads.join() === h[user].threadId, threads);
        const titles = (await memory.listThreads({ filter: { resourceId: h[other].userId }, ...page })).threads;
        check(`${user}'s listThreads() of ${other} has none`, titles.length === 0, titles);
        check(`${user}'s getThreadById() of ${other}'s thread gives null`, (await memory.getThreadById({ threadId: h[other].threadId })) === null);
        const thread = await memory.getThreadById({ threadId: h[user].threadId });
        check(`${user}'s own thread is as it was, and shows no added column`,
          thread.title === 'about kettles' && Object.keys(thread).join() === 'id,resourceId,title,metadata,createdAt,updatedAt', thread);
        check(`${user} has his working memory`, (await memory.getResourceById({ resourceId: userId })).workingMemory === `${user}'s working memory`);
        check(`${user} has not ${other}'s`, (await memory.getResourceById({ resourceId: h[other].userId })) === null);
        check(`${user} has his observations`, (await memory.getObservationalMemory(h[user].threadId, userId))?.resourceId === userId);
        check(`${user} has not ${other}'s`, (await memory.getObservationalMemory(h[other].threadId, h[other].userId)) === null);
        const runs = (await workflows.listWorkflowRuns({})).runs.map((run) => run.runId).sort();
        check(`${user}'s listWorkflowRuns() has ${user}'s, that from before and one that names no user`, runs.join() === `a run before protection of ${user},a run of ${user}`, runs);
        check(`${user} cannot load ${other}'s snapshot`, (await workflows.loadWorkflowSnapshot({ workflowName: 'w', runId: `a run of ${other}` })) === null);
        check(`${user} has the state of his thread`, (await state.getState({ threadId: h[user].threadId, type: 'goal' }))?.of === user);
        check(`${user} has not that of ${other}'s`, !(await state.getState({ threadId: h[other].threadId, type: 'goal' })));
      });
    }
    for (const [what, write] of [
      ['the state of a thread', () => h.alice.state.setState({ threadId: h.bob.threadId, type: 'goal', value: { of: 'planted' } })],
      ['a run', () => snapshot(h.bob, 'a run', { snapshot: { planted: true } })],
      ['a run in the name', () => snapshot(h.alice, 'another', { resourceId: h.bob.userId })],
    ]) {
      const code = await codeOf(() => as('alice', write));
      check(`alice writes ${what} of bob's: 42501`, code === '42501', code);
    }
    const about = (one) => ({ scope: ['org:shop', `resource:${one.userId}`] });
    for (const user of USERS) await as(user, () => h[user].knowledge.createNode({ name: 'kettle', kind: 'thing', content: `${user}'s`, ...about(h[user]) }));
    const node = (asker, of) => as(asker, () => h[asker].knowledge.getNodeByName({ name: 'kettle', ...about(h[of]) }));
    check("alice's knowledge of kettles is hers, and of bob's she has none", (await node('alice', 'alice'))?.content === "alice's" && !(await node('alice', 'bob')));
    const known = await codeOf(() => as('alice', () => h.alice.knowledge.createNode({ name: 'teapot', kind: 'thing', content: 'planted', ...about(h.bob) })));
    check("alice writes knowledge of bob's: 42501", known === '42501', known);
    if (h.alice.vectors) await semanticRecall({ h, as });
    const stolen = await codeOf(() => as('alice', () => h.alice.memory.saveMessages({ messages: [message(h.alice, h.bob.ids[0], 'planted')] })));
    check("alice saves a message under the id of one of bob's: 42501", stolen === '42501', stolen);
  },
};
