/*
 * The agent of this test, and the conversation that two users have with it. Nothing in here knows of sessmem.
 */
import { webcrypto } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Annotation, END, Send, START, StateGraph } from '@langchain/langgraph';

export const USERS = ['alice', 'bob'];
export const TURNS = 3;
const NOTES = 20; // taken in parallel in every turn

globalThis.crypto ??= webcrypto; // LangChain expects what Node.js 18 does not have yet
setMaxListeners(3 * NOTES); // LangGraph adds one abort listener per parallel node

export const toArray = async (iterable) => { const all = []; for await (const one of iterable) all.push(one); return all; };
export const thread = (user, extra = {}) => ({ configurable: { thread_id: `thread-${user}`, checkpoint_ns: '', ...extra } });
export const threadsIn = (tuples) => [...new Set(tuples.map((tuple) => tuple.config.configurable.thread_id))].sort();

/*
 * The agent: one turn takes what the user says, writes NOTES notes in parallel, each of which first looks at the whole
 * memory (a list() that names no thread), then answers from memory.
 */
function agent(saver, seenInside) {
  const list = () => Annotation({ reducer: (a, b) => a.concat(b), default: () => [] });
  const State = Annotation.Root({ heard: list(), notes: list(), answers: list() });
  return new StateGraph(State)
    .addNode('note', async ({ user, turn, i }) => {
      for (const id of threadsIn(await toArray(saver.list({}, { limit: 50 })))) seenInside[user].add(id);
      return { notes: [`${user}'s note ${turn}.${i}`] };
    })
    .addNode('answer', ({ heard }) => ({ answers: [`${heard.length}: ${heard[0].replace('My name is', 'Your name is')}`] }))
    .addConditionalEdges(START, ({ heard }) => {
      const user = heard[0].split(' ').pop();
      return Array.from({ length: NOTES }, (_, i) => new Send('note', { user, turn: heard.length, i }));
    })
    .addEdge('note', 'answer')
    .addEdge('answer', END)
    .compile({ checkpointer: saver });
}

/* Both users talk for TURNS turns at the same time; as(user, fn) says in whose session fn runs. */
export async function converse(saver, as) {
  const seenInside = Object.fromEntries(USERS.map((user) => [user, new Set()]));
  const graph = agent(saver, seenInside);
  await Promise.all(USERS.map((user) => as(user, async () => {
    for (let turn = 1; turn <= TURNS; turn++)
      await graph.invoke({ heard: [turn === 1 ? `My name is ${user}` : `Turn ${turn} of ${user}`] }, thread(user));
  })));
  return { graph, seenInside };
}

/* What a user's memory must hold, to the last note, in the order of the turns. */
export function complete(user, { heard = [], notes = [], answers = [] } = {}) {
  const expected = [];
  for (let turn = 1; turn <= TURNS; turn++) for (let i = 0; i < NOTES; i++) expected.push(`${user}'s note ${turn}.${i}`);
  return heard.length === TURNS && notes.slice().sort().join() === expected.sort().join()
    && answers.join() === Array.from({ length: TURNS }, (_, i) => `${i + 1}: Your name is ${user}`).join();
}
