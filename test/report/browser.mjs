/*
 * What a browser makes of the report: Chromium, driven over its debugging pipe, so that nothing but the browser is needed.
 *
 * usage: node browser.mjs DIRECTORY    with report.html, unescaped.html (the same without escaping) and expected.json in it
 * Leaves pictures and a PDF there. Exit code 0 if every check holds.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const dir = resolve(process.argv[2]);
const expected = JSON.parse(readFileSync(join(dir, 'expected.json'), 'utf8'));

let passed = 0;
let failed = 0;
function check(name, holds, seen) {
  if (holds) passed++; else failed++;
  console.log(`${holds ? 'ok' : 'not ok'} - ${name}${holds || seen === undefined ? '' : `\n    got: ${JSON.stringify(seen).slice(0, 2000)}`}`);
}

/* ---------- the browser ---------- */

const profile = mkdtempSync(join(tmpdir(), 'sessmem-chromium.'));
const browser = spawn('chromium', ['--headless', '--remote-debugging-pipe', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--hide-scrollbars',
  `--user-data-dir=${profile}`, 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: profile } });
const [toBrowser, fromBrowser] = [browser.stdio[3], browser.stdio[4]];
const waiting = new Map();
let listeners = [];
let unread = '';
fromBrowser.setEncoding('utf8');
fromBrowser.on('data', (text) => {
  const messages = (unread + text).split('\0');
  unread = messages.pop();
  for (const message of messages.map((m) => JSON.parse(m))) {
    if (!message.id) listeners.forEach((listener) => listener(message));
    else if (message.error) waiting.get(message.id)?.no(new Error(message.error.message));
    else waiting.get(message.id)?.yes(message.result);
  }
});
browser.on('exit', (code) => waiting.forEach(({ no }) => no(new Error(`the browser ended (${code})`))));

let last = 0;
let sessionId;
const send = (method, params = {}) => new Promise((yes, no) => {
  waiting.set(++last, { yes, no });
  toBrowser.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
});

/* Opens a file and returns what the browser complained of and asked for. */
async function open(file) {
  const seen = { complaints: [], requests: [] };
  const loaded = new Promise((yes) => {
    listeners = [({ method, params }) => {
      if (method === 'Log.entryAdded') seen.complaints.push(params.entry.text);
      if (method === 'Runtime.consoleAPICalled' || method === 'Runtime.exceptionThrown') seen.complaints.push(params);
      if (method === 'Network.requestWillBeSent') seen.requests.push(params.request.url);
      if (method === 'Page.javascriptDialogOpening') {
        seen.complaints.push(params.message);
        send('Page.handleJavaScriptDialog', { accept: false });
      }
      if (method === 'Page.loadEventFired') yes();
    }];
  });
  await send('Log.clear');
  await send('Page.navigate', { url: pathToFileURL(join(dir, file)).href });
  await loaded;
  return seen;
}
async function inPage(fn, ...args) {
  const { result, exceptionDetails } = await send('Runtime.evaluate',
    { expression: `(${fn})(...${JSON.stringify(args)})`, returnByValue: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}
const width = (px) => send('Emulation.setDeviceMetricsOverride', { width: px, height: 900, deviceScaleFactor: 1, mobile: px < 500 });
const media = (type, scheme) => send('Emulation.setEmulatedMedia', { media: type, features: [{ name: 'prefers-color-scheme', value: scheme }] });
async function picture(file) {
  const { data } = await send('Page.captureScreenshot', { captureBeyondViewport: true });
  writeFileSync(join(dir, file), Buffer.from(data, 'base64'));
}

/* ---------- what is looked at in the page ---------- */

/* Elements wider than the window, by more than rounding. */
const tooWide = () => [document.documentElement, ...document.querySelectorAll('body *')]
  .filter((e) => !e.closest('thead') && (e.getBoundingClientRect().right > innerWidth + 1 || e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0))
  .map((e) => `${e.tagName} ${e.textContent.slice(0, 40)}`);

/* Text whose contrast with what is behind it is below 4.5 to 1. */
function tooFaint() {
  const parse = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (rgb) => rgb.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color[3] !== 0) return color;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('body *')]
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
    .filter((e) => {
      const [a, b] = [luminance(parse(getComputedStyle(e).color)), luminance(behind(e))].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05) < 4.5;
    }).map((e) => `${e.tagName}.${e.className} ${e.textContent.slice(0, 40)}`);
}

/* What a screen reader would stumble over. */
function obstacles() {
  const found = [];
  for (const landmark of ['header', 'nav', 'main', 'footer'])
    if (document.querySelectorAll(landmark).length !== 1) found.push(`${landmark}: not exactly one`);
  const levels = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map((h) => Number(h.tagName[1]));
  if (levels[0] !== 1 || levels.filter((l) => l === 1).length !== 1) found.push('not exactly one h1, first');
  levels.forEach((l, i) => { if (i > 0 && l > levels[i - 1] + 1) found.push(`h${l} after h${levels[i - 1]}`); });
  for (const table of document.querySelectorAll('table')) {
    if (!table.caption) found.push('a table without a caption');
    if ([...table.querySelectorAll('th')].some((th) => !th.scope)) found.push('a header without scope');
    if ([...table.tBodies[0].rows].some((row) => row.cells.length !== table.tHead.rows[0].cells.length)) found.push('a row of another length');
  }
  for (const link of document.querySelectorAll('a')) if (!document.querySelector(link.getAttribute('href'))) found.push(`a link to nowhere: ${link.href}`);
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  if (new Set(ids).size !== ids.length) found.push('an id twice');
  if (!document.documentElement.lang) found.push('no language');
  for (const finding of document.querySelectorAll('.severity')) if (!finding.textContent.trim()) found.push('a severity by colour alone');
  return found;
}

const tags = () => [...new Set([...document.querySelectorAll('*')].map((e) => e.localName))].sort();

async function main() {
  const { targetInfos } = await send('Target.getTargets');
  ({ sessionId } = await send('Target.attachToTarget', { targetId: targetInfos.find((t) => t.type === 'page').targetId, flatten: true }));
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await send(`${domain}.enable`);

  /* First that the instruments see what they are for. */
  const planted = await open('unescaped.html');
  check('control: without escaping, the policy of the page refuses what was planted, and the browser says so', planted.complaints.length > 0);
  check('control: ... and no script ran', (await inPage(() => document.title)) === expected.title, await inPage(() => document.title));
  await open('unescaped-open.html');
  check('control: without escaping and without the policy, the planted script runs', (await inPage(() => document.title)) === 'owned');
  await width(390);
  await inPage(() => { document.body.innerHTML = '<p style="width: 500px; color: #999; background: #fff">wide and faint</p>'; });
  check('control: what is too wide is noticed', (await inPage(tooWide)).length > 0);
  check('control: what is too faint is noticed', (await inPage(tooFaint)).length > 0);

  await width(1100);
  await media('screen', 'light');
  const { complaints, requests } = await open('report.html');
  check('the browser has nothing to complain of', complaints.length === 0, complaints);
  check('no script ran', (await inPage(() => document.title)) === expected.title);
  check('nothing is fetched', requests.length === 1, requests);
  const allowed = 'a article b body caption code dd details div dl dt footer h1 h2 h3 h4 h5 head header html li main meta nav p pre section span style summary table tbody td th thead title tr ul'.split(' ');
  const others = (await inPage(tags)).filter((tag) => !allowed.includes(tag));
  check('no element that the report does not make', others.length === 0, others);
  const text = await inPage(() => document.body.textContent);
  for (const part of expected.texts) check(`it shows ${part}`, text.includes(part));
  check('standards mode', (await inPage(() => document.compatMode)) === 'CSS1Compat');
  const stumbles = await inPage(obstacles);
  check('landmarks, headings, captions, scopes and links', stumbles.length === 0, stumbles);
  check('the checks that passed are folded', (await inPage(() => document.querySelectorAll('details:not([open])').length)) > 0);

  for (const scheme of ['light', 'dark']) {
    await media('screen', scheme);
    const background = await inPage(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    check(`${scheme}: the background is`, scheme === 'light' ? Math.min(...background) > 200 : Math.max(...background) < 60, background);
    const faint = await inPage(tooFaint);
    check(`${scheme}: contrast of all text is at least 4.5`, faint.length === 0, faint);
    await picture(`${scheme}.png`);
    for (const px of [1100, 768, 390, 320]) {
      await width(px);
      const wide = await inPage(tooWide);
      if (scheme === 'light') check(`${px} pixels: nothing is wider`, wide.length === 0, wide);
      if (px === 390) await picture(`phone-${scheme}.png`);
    }
    await width(1100);
  }

  await media('print', 'dark');
  await width(673); // A4 within its margins
  const wide = await inPage(tooWide);
  check('print: nothing is cut off', wide.length === 0, wide);
  const faint = await inPage(tooFaint);
  check('print: black on white, whatever the scheme', faint.length === 0 && (await inPage(() => getComputedStyle(document.body).backgroundColor)) === 'rgb(255, 255, 255)', faint);
  const checks = await inPage(() => [...document.querySelectorAll('details code')].map((e) => e.textContent));
  const cells = await inPage(() => [...document.querySelectorAll('tbody th, h5')].map((e) => e.textContent));
  const { data } = await send('Page.printToPDF', { preferCSSPageSize: true, printBackground: true });
  const pdf = join(dir, 'report.pdf');
  writeFileSync(pdf, Buffer.from(data, 'base64'));
  check('PDF: A4', /Page size:.*A4/.test(execFileSync('pdfinfo', [pdf], { encoding: 'utf8' })));
  const flat = (s) => s.replace(/\s/g, '');
  const printed = flat(execFileSync('pdftotext', ['-raw', pdf, '-'], { encoding: 'utf8', maxBuffer: 1 << 28 }));
  const missing = checks.filter((id) => !printed.includes(flat(id)));
  check('PDF: the folded checks are unfolded', checks.length > 0 && missing.length === 0, missing);
  const lost = cells.filter((c) => /^[\x21-\x7e ]*$/.test(c) && !printed.includes(flat(c)));
  check('PDF: every table and object is there', cells.length > 0 && lost.length === 0, lost);
}

await main().catch((err) => check(`the run ended early: ${err.stack ?? err}`, false));
const ended = new Promise((yes) => { browser.once('exit', yes); });
sessionId = undefined;
send('Browser.close').catch(() => {});
setTimeout(() => browser.kill('SIGKILL'), 5000).unref();
await ended;
rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
