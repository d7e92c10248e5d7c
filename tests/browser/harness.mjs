// What the tests in a browser share: the real daemon, Debian's Chromium, and claims.
//
// A test file says `await given('what is made', async () => {...})` for what all of it needs, then `await test('what
// holds', async () => {...})`, and ends with `finish()`; its lines are "ok - what holds" and "not ok - what holds".
// What goes wrong between them, or keeps the file from its end, is a claim that does not hold, too.
// tests/browser/run gives the program, the stack and the engine.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const top = new URL('../../', import.meta.url).pathname;
const require = createRequire(join(top, 'web/package.json'));
const { chromium } = require('playwright-core');

export const stacksnap = process.env.STACKSNAP ?? join(top, 'build/stacksnap');
/** The project of tests/browser/stack that runs; its folder. */
export const stack = process.env.BROWSER_STACK ?? 'browser-shop';
export const stackFolder = process.env.BROWSER_STACK_FOLDER ?? '';
export const work = mkdtempSync(join(tmpdir(), 'stacksnap-browser-'));

export const user = 'ada';
export const password = 'a long enough password';
export const passphrase = 'a passphrase for tests';

/** What starts may take long on a machine that does it for the first time, beside others. */
const START_S = 60;
const LOG_LINES = 25;

let failures = 0;
const cleanups = [];
const daemons = [];
/** What a page said that it must not: errors on its console, requests to others. */
const complaints = [];
let lastPage = null;

/** What the tests that follow need, and is not there: they are not tried. */
let lacking = '';
let areDependent = false;

/** Each test goes on where the one before it has ended: after a failure the others are not tried. */
export function dependent() {
	areDependent = true;
}

function tell(text, lines = 30) {
	for (const line of String(text).trimEnd().split('\n').slice(0, lines)) console.log(`#   ${line}`);
}

async function tellFailure(name, error) {
	failures++;
	console.log(`not ok - ${name}`);
	tell(error?.stack ?? error);
	for (const daemon of daemons) {
		console.log(`#   what the daemon said last:`);
		tell(daemon.printed().split('\n').slice(-LOG_LINES).join('\n'), LOG_LINES);
	}
	const shot = join(tmpdir(), `stacksnap-${stack}-${failures}.png`);
	await lastPage?.screenshot({ path: shot, timeout: 10_000 }).then(
		() => console.log(`#   what was seen: ${shot}`),
		() => {},
	);
}

export async function test(name, body) {
	if (lacking !== '') {
		console.log(`not ok - ${name}\n#   not tried: ${lacking} does not hold`);
		return;
	}
	complaints.length = 0;
	const begin = Date.now();
	try {
		await body();
		if (complaints.length > 0) throw new Error(complaints.join('\n'));
		console.log(`ok - ${name}`);
	} catch (error) {
		await tellFailure(name, error);
		if (areDependent) lacking = `"${name}"`;
	}
	if (process.env.BROWSER_TIMES) console.log(`# ${((Date.now() - begin) / 1000).toFixed(1)} s`);
}

/** A test that all others of the file need. */
export async function given(name, body) {
	const before = failures;
	await test(name, body);
	if (failures > before) lacking = `"${name}"`;
}

let hasEnded = false;

async function end() {
	hasEnded = true;
	for (const cleanup of cleanups.reverse()) await cleanup().catch((error) => tell(`to clean up: ${error}`));
	rmSync(work, { recursive: true, force: true });
	process.exit(failures > 0 ? 1 : 0);
}

export async function finish() {
	await end();
}

/** Whatever keeps the file from its end is told as a claim, with what the daemon said. */
const file = basename(process.argv[1] ?? '');
async function breakOff(error) {
	if (hasEnded) {
		tell(`while it ends: ${error?.stack ?? error}`);
		return;
	}
	hasEnded = true;
	await tellFailure(`${file} goes on to its end`, error);
	await end();
}
process.on('uncaughtException', (error) => void breakOff(error));
process.on('unhandledRejection', (error) => void breakOff(error));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'])
	process.on(signal, () => void breakOff(new Error(`it was ended by ${signal}`)));
process.on('exit', (code) => {
	if (!hasEnded) console.log(`not ok - ${file} goes on to its end\n#   it left with status ${code}, waiting for something that never comes`);
});

export function expect(condition, text) {
	if (!condition) throw new Error(text);
}

export function equal(found, wanted, what = 'value') {
	if (found !== wanted) throw new Error(`${what} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
}

/** Waits until it is true.  What is waited for is a text, or a function that tells how far it has come. */
export async function until(condition, what, seconds = 20) {
	const last = Date.now() + seconds * 1000;
	while (!(await condition())) {
		if (Date.now() > last) throw new Error(`not within ${seconds} s: ${typeof what === 'function' ? await what() : what}`);
		await new Promise((done) => setTimeout(done, 50));
	}
}

/** Done when the tests are over, whatever became of them. */
export function atEnd(cleanup) {
	cleanups.push(cleanup);
}

export function freePort() {
	return new Promise((found) => {
		const server = createServer();
		server.listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => found(port));
		});
	});
}

/** `stacksnap serve`, with a state folder of its own. */
export class Daemon {
	#process = null;
	#cookie = '';
	#csrf = '';

	static async start(name = 'daemon') {
		const daemon = new Daemon();
		daemon.name = name;
		daemon.state = join(work, name);
		daemon.repository = join(work, `${name}-repository`);
		daemon.port = await freePort();
		daemon.url = `http://127.0.0.1:${daemon.port}`;
		daemons.push(daemon);
		cleanups.push(() => daemon.stop());
		await daemon.run();
		return daemon;
	}

	async run() {
		const log = openSync(join(work, `${this.name}.log`), 'a');
		this.#process = spawn(stacksnap, ['serve', '--state-dir', this.state, '--listen', `127.0.0.1:${this.port}`], {
			stdio: ['ignore', log, log],
			env: { ...process.env, XDG_CACHE_HOME: join(work, 'cache') },
		});
		const { pid } = this.#process;
		await until(
			() => {
				if (this.#hasEnded()) throw new Error(`the daemon ${pid} ended as it began: ${this.printed()}`);
				return fetch(`${this.url}/api/v1/session`).then((answer) => answer.ok, () => false);
			},
			() => `the daemon ${pid} answers: ${this.printed()}`,
			START_S,
		);
	}

	#hasEnded() {
		return this.#process.exitCode !== null || this.#process.signalCode !== null;
	}

	async stop(signal = 'SIGTERM') {
		if (!this.#process || this.#hasEnded()) return;
		const ended = new Promise((done) => this.#process.once('exit', done));
		this.#process.kill(signal);
		await ended;
	}

	get pid() {
		return this.#process.pid;
	}

	printed() {
		return readFileSync(join(work, `${this.name}.log`), 'utf8');
	}

	get token() {
		return readFileSync(join(this.state, 'setup-token'), 'utf8').trim();
	}

	/** Below /api/v1, as who has been set up. Throws what is no success. */
	async ask(method, path, body) {
		const answer = await fetch(`${this.url}/api/v1${path}`, {
			method,
			headers: {
				...(this.#cookie ? { cookie: this.#cookie } : {}),
				...(method === 'GET' ? {} : { 'x-csrf-token': this.#csrf }),
				...(body === undefined ? {} : { 'content-type': 'application/json' }),
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const text = await answer.text();
		if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
		const cookie = answer.headers.get('set-cookie');
		if (cookie) this.#cookie = cookie.split(';')[0];
		const found = text ? JSON.parse(text) : undefined;
		if (found?.csrf) this.#csrf = found.csrf;
		return found;
	}

	/** The first user, and a repository in a folder: what the onboarding makes. */
	async prepare() {
		await this.ask('POST', '/setup', { token: this.token, name: user, password });
		await this.ask('POST', '/repository/create', { address: this.repository, passphrase });
		await this.ask('POST', '/repository/kit-saved');
	}

	/** For a client that logs in beside the page. */
	async login() {
		await this.ask('POST', '/login', { name: user, password });
	}

	/** Begins a run, and waits for its end. */
	async complete(path, body = {}) {
		const { run } = await this.ask('POST', path, body);
		let found;
		await until(
			async () => {
				found = (await this.ask('GET', `/runs/${run}`)).run;
				return !['queued', 'running'].includes(found.state);
			},
			async () => `run ${run} of ${path} ends\n${await this.#logOf(run)}`,
			120,
		);
		if (found.state !== 'complete')
			throw new Error(`run ${run} of ${path} is ${found.state}: ${JSON.stringify(found)}\n${await this.#logOf(run)}`);
		return found;
	}

	/** The end of what a run said. */
	async #logOf(run) {
		const { events } = await this.ask('GET', `/runs/${run}/events?from=0`);
		return events
			.slice(-LOG_LINES)
			.map((event) => JSON.stringify(event))
			.join('\n');
	}
}

let browser = null;

/** It asks nothing of the internet, which need not be there. */
const FLAGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-dev-shm-usage',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
	'--disable-quic',
	'--no-first-run',
];

/** A page in a window of its own, whose complaints fail the test. */
export async function open(url, { width = 1280, height = 860, dark = false, prepare = async () => {} } = {}) {
	if (!browser) {
		const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
		if (!executablePath) throw new Error('there is no Chromium: apt-get install chromium');
		browser = await chromium.launch({ executablePath, args: FLAGS, timeout: START_S * 1000 });
		cleanups.push(() => browser.close());
	}
	const context = await browser.newContext({
		viewport: { width, height },
		colorScheme: dark ? 'dark' : 'light',
		reducedMotion: 'reduce',
		hasTouch: width < 500,
		locale: 'en-GB',
		timezoneId: 'UTC',
	});
	context.setDefaultTimeout(15_000);
	const page = await context.newPage();
	lastPage = page;
	page.on('pageerror', (error) => complaints.push(`the page failed: ${error.stack}`));
	page.on('console', (message) => {
		// Chromium itself reports answers that are no success; tests that bring them about expect them.
		if (message.type() === 'error' && !/^Failed to load resource|net::ERR_/.test(message.text()))
			complaints.push(`the page's console: ${message.text()}`);
	});
	page.on('request', (request) => {
		if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith('blob:'))
			complaints.push(`the page asked elsewhere: ${request.url()}`);
	});
	await prepare(page);
	await page.goto(url, { timeout: START_S * 1000 });
	return page;
}

export async function logIn(page) {
	await page.getByLabel('Name').fill(user, { timeout: START_S * 1000 });
	await page.getByLabel('Password').fill(password);
	await page.getByRole('button', { name: 'Log in' }).click();
	await page.getByRole('navigation', { name: 'Main' }).waitFor({ timeout: START_S * 1000 });
}

/** A window at an address, logged in. */
export async function openAt(daemon, path, options) {
	const page = await open(daemon.url + path, options);
	await logIn(page);
	await page.locator('main h1').waitFor();
	return page;
}

/** No finding of axe that is serious or worse. */
export async function accessible(page, what) {
	// Not by a script element: the page's policy refuses those of others.
	await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
	const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
	const serious = found.violations.filter((one) => ['serious', 'critical'].includes(one.impact));
	if (serious.length > 0)
		throw new Error(
			`${what}: ${serious.map((one) => `${one.id}: ${one.help}\n${one.nodes.map((node) => `  ${node.html}\n  ${node.failureSummary}`).join('\n')}`).join('\n')}`,
		);
}

/** Nothing is wider than the window. */
export async function fits(page, what) {
	const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	if (over > 0) throw new Error(`${what} is ${over} pixels wider than the window`);
}

/** In a container of the stack; what it prints. */
export function inContainer(service, ...argv) {
	const done = spawnSync('docker', ['exec', `${stack}-${service}-1`, ...argv], { encoding: 'utf8', timeout: 2 * START_S * 1000 });
	if (done.status !== 0) throw new Error(`${argv.join(' ')} in ${service}: ${done.error ?? `status ${done.status}`} ${done.stderr}`);
	return done.stdout.trim();
}
