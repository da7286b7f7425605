/* LangChain's chat history. */
import { PostgresChatMessageHistory } from '@langchain/community/stores/message/postgres';
import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { check } from './scenario.mjs';

export function history(table) {
  const open = (pool, sessionId) => new PostgresChatMessageHistory({ pool, sessionId, tableName: table });
  const texts = async (chat) => (await chat.getMessages()).map((message) => message.content);
  return {
    tables: [table],
    async start(pool) {
      await open(pool, 'none').getMessages(); // creates the table if there is none, as every object does on its first call
      return pool;
    },
    open: (pool, user, { sessionId }) => ({ pool, sessionId, chat: open(pool, sessionId) }),
    remember: (h, text) => h.chat.addMessage(new HumanMessage(text)),
    reads: {
      'getMessages()': (h, of) => texts(open(h.pool, of.sessionId)),
    },
    attacks: {
      'clear()': (h, of) => open(h.pool, of.sessionId).clear(),
    },
    refused: {
      'addMessage()': [(h, of) => open(h.pool, of.sessionId).addMessage(new AIMessage('planted')), '42501'],
    },
  };
}

export default {
  title: "LangChain's PostgresChatMessageHistory",
  ...history('langchain_chat_histories'),
  async extra({ h, as, complete }) {
    await as('alice', () => h.alice.chat.clear());
    check('alice clears her own history', (await as('alice', () => h.alice.chat.getMessages())).length === 0);
    await complete('alice clears her own history');
  },
};
