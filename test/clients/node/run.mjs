/*
 * Node.js clients on protected tables: the scenario with each driver, what is particular to some, and the wrong hooks.
 * PGHOST and the other libpq variables lead to a database in which setup.sql was run, as a superuser.
 * POOLER_PORT is where PgBouncer listens, in transaction mode.
 *
 * usage: node run.mjs [part of a driver's name]
 */
import { drivers } from './drivers.mjs';
import { poolTests } from './pool.mjs';
import { poolerTests } from './pooler.mjs';
import { close, result, scenario } from './scenario.mjs';
import { wrongWays } from './wrong.mjs';

const only = process.argv[2];
for (const driver of drivers) if (!only || driver.name.includes(only)) await scenario(driver);
if (!only || only === 'pool') await poolTests();
if (!only || only === 'wrong') await wrongWays();
if (process.env.POOLER_PORT && (!only || only === 'behind')) await poolerTests(Number(process.env.POOLER_PORT));
await close();
console.log(`${result.passed} passed, ${result.failed} failed`);
process.exitCode = result.failed === 0 && result.passed > 0 ? 0 : 1;
