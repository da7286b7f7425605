/*
 * Unmodified agent frameworks on protected tables, whose owner is the application.
 *
 *     node run.mjs [FRAMEWORK...]
 *
 * PGHOST, PGPORT, PGUSER (a superuser) and the other libpq variables say where. Each framework gets a database of its own, which is
 * removed again. Exit code 0 if every check holds.
 */
import { webcrypto } from 'node:crypto';
import { check, results, run } from './scenario.mjs';

globalThis.crypto ??= webcrypto; // LangChain expects what Node.js 18 does not have yet
process.env.MEM0_TELEMETRY = 'false';

const names = process.argv.length > 2 ? process.argv.slice(2) : ['langgraph', 'langchain', 'n8n', 'mastra', 'mem0', 'ai-chatbot'];
for (const name of names) {
  const load = () => import(`./${name}.mjs`).then((module) => module.default);
  await load().then((framework) => run(name, framework)).catch((err) => check(`${name} ended early: ${err.stack ?? err}`, false));
}
console.log(`\n${results.passed} passed, ${results.failed} failed`);
process.exit(results.failed === 0 ? 0 : 1); // whatever a failed run has left open
