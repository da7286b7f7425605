import { drivers } from './drivers.mjs';
import { close, result, scenario } from './scenario.mjs';
const only = process.argv[2];
for (const driver of drivers) if (!only || driver.name.includes(only)) await scenario(driver);
await close();
console.log(`${result.passed} passed, ${result.failed} failed`);
process.exitCode = result.failed === 0 && result.passed > 0 ? 0 : 1;
