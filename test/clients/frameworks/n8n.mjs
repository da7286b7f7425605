/* The table of n8n's Postgres Chat Memory node, which is LangChain's class with another name for the table. */
import { history } from './langchain.mjs';
import { check } from './scenario.mjs';

export default {
  title: "n8n's table of chat histories",
  ...history('n8n_chat_histories'),
  async extra({ pool, token }) {
    // what a Postgres node can do: one statement, and the token among its parameters
    const recalled = async (user) => (await pool.withoutSession(() => pool.query(
      'SELECT message FROM sessmem.recall(NULL::n8n_chat_histories, n => 50, token => $1) ORDER BY id', [token[user]]
    ))).rows.map((row) => row.message.content);
    const seen = await recalled('bob');
    check("a Postgres node recalls bob's history in one statement", seen.length === 20 && seen.every((text) => text.startsWith('bob')), seen);
  },
};
