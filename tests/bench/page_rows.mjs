// How the page copes with a comparison in which a million rows differ: real containers, the real daemon, Chromium.
// Run by scripts/bench-page.
import { readdirSync, readFileSync } from 'node:fs';
import { Daemon, equal, finish, given, inContainer, openAt, stack, test, until } from '../browser/harness.mjs';

const ROWS = Number(process.env.ROWS ?? 1_000_000);
const CHANGED = Math.round(ROWS * 0.9);
const REMOVED = Math.round(ROWS * 0.06);
const ADDED = ROWS - CHANGED - REMOVED;
const sql = (text) => inContainer('db', 'psql', '-qAtX', '-v', 'ON_ERROR_STOP=1', '-U', 'shop', '-d', 'shop', '-c', text);
const name = 'public.events';

let daemon;
let page;
let rows;
let address;
const table = [];

function say(what, value) {
	table.push(`| ${what} | ${value} |`);
}

const ms = (begin) => Math.round(performance.now() - begin);
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

/** The frames while something scrolls: their lengths, and in how many a row in sight was still waited for. */
async function frames(what, step, seconds = 3) {
	const before = await spent();
	const found = await rows.evaluate(
		(list, [source, end]) =>
			new Promise((done) => {
				const move = new Function('list', 'n', source);
				const lengths = [];
				let waiting = 0;
				let n = 0;
				let last = performance.now();
				const begin = last;
				function frame(now) {
					if (n > 0) lengths.push(now - last);
					last = now;
					if (list.querySelector('.bar')) waiting++;
					if (now - begin > end) return done({ lengths, waiting, rows: list.querySelectorAll('[role=option], [role=row]').length });
					move(list, n++);
					requestAnimationFrame(frame);
				}
				requestAnimationFrame(frame);
			}),
		[step, seconds * 1000],
	);
	const after = await spent();
	const each = (name) => ((1000 * (after[name] - before[name])) / found.lengths.length).toFixed(1);
	const work = `${each('ScriptDuration')} + ${(Number(each('RecalcStyleDuration')) + Number(each('LayoutDuration'))).toFixed(1)}`;
	const sorted = found.lengths.sort((a, b) => a - b);
	const long = sorted.filter((one) => one > 50).length;
	say(
		what,
		`${work} | ${at(sorted, 0.5).toFixed(1)} | ${at(sorted, 0.95).toFixed(1)} | ${at(sorted, 0.99).toFixed(1)} | ${sorted.at(-1).toFixed(0)} | ${long} of ${sorted.length} | ${found.waiting}`,
	);
}

let session;
/** Seconds of processor time of the page's main thread, which a busy machine distorts less. */
async function spent() {
	if (!session) {
		session = await page.context().newCDPSession(page);
		await session.send('Performance.enable', { timeDomain: 'threadTicks' });
	}
	const { metrics } = await session.send('Performance.getMetrics');
	return Object.fromEntries(metrics.map((one) => [one.name, one.value]));
}

/** How long it takes until what was done is seen. */
async function timed(what, act, seen) {
	const begin = performance.now();
	await act();
	await seen();
	const took = ms(begin);
	say(what, `${took} ms | | | | | | `);
	return took;
}

/** Resident memory of the daemon's processes, in MiB. */
function resident() {
	const of = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
	const children = readdirSync('/proc').filter((pid) => {
		try {
			return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[1] === String(daemon.pid);
		} catch {
			return false;
		}
	});
	return { keeper: of(daemon.pid) / 1024, web: Math.max(0, ...children.map(of)) / 1024 };
}

const noBars = () => until(() => rows.evaluate((list) => !list.querySelector('.bar')), 'all rows in sight are there', 60);

await given(`${ROWS} rows change between two points`, async () => {
	daemon = await Daemon.start('bench');
	await daemon.prepare();
	sql(`CREATE TABLE events AS SELECT n AS id, 'Customer ' || n % 5000 AS customer, md5(n::text) AS token, n % 997 AS cents,
	     timestamp '2026-01-01' + n * interval '1 second' AS at FROM generate_series(1, ${ROWS}) n;
	     ALTER TABLE events ADD PRIMARY KEY (id)`);
	const backup = async () => (await daemon.complete(`/stacks/${stack}/backup`)).snapshot;
	const first = await backup();
	sql(`DELETE FROM events WHERE id <= ${REMOVED};
	     UPDATE events SET cents = cents + 1, token = md5(token) WHERE id <= ${REMOVED + CHANGED};
	     INSERT INTO events SELECT n, 'somebody new', md5(n::text), 1, now() FROM generate_series(${2 * ROWS + 1}, ${2 * ROWS + ADDED}) n`);
	const second = await backup();
	address = `/compare/${first.slice(0, 12)}/${second.slice(0, 12)}/rows?service=db&database=shop&table=${name}`;
	page = await openAt(daemon, '/snapshots');
});

await given('the comparison is made, and its first rows are seen', async () => {
	rows = page.getByRole('listbox', { name });
	await timed(
		'compare, until the first rows are seen',
		() => page.goto(daemon.url + address),
		() => rows.getByRole('option').first().waitFor({ timeout: 240_000 }),
	);
	equal(await rows.getByRole('option').first().getAttribute('aria-setsize'), String(ROWS), 'rows that differ');
	await timed(
		'the same, once it was made',
		() => page.reload(),
		() => rows.getByRole('option').first().waitFor({ timeout: 60_000 }),
	);
	await noBars();
});

await test('it is scrolled', async () => {
	await frames('wheel, 100 pixels a frame', 'list.scrollTop += 100');
	await frames('fast, 3,000 pixels a frame', 'list.scrollTop += 3000');
	await noBars();
	await frames('faster than is read, 800 pixels a frame', 'list.scrollTop += 800');
	await noBars();
	await frames('the bar thrown about', 'if (n % 12 === 0) list.scrollTop = ((n * 7919) % 1000) / 1000 * list.scrollHeight');
	await noBars();
});

await test('its end is reached at once, and its begin', async () => {
	await rows.focus();
	const last = () => rows.getByRole('option').last();
	await timed(
		'to the end (End), until its rows are seen',
		() => page.keyboard.press('End'),
		async () => {
			await until(async () => (await last().getAttribute('aria-posinset')) === String(ROWS), 'the last row is drawn');
			await noBars();
		},
	);
	equal((await last().innerText()).includes('somebody new'), true, 'the last row is one that was added');
	await timed(
		'to the begin (Home)',
		() => page.keyboard.press('Home'),
		async () => {
			await until(async () => (await rows.getByRole('option').first().getAttribute('aria-posinset')) === '1', 'the first row is drawn');
			await noBars();
		},
	);
});

await test('it is filtered', async () => {
	await timed(
		`only what was removed (${REMOVED})`,
		() => page.getByRole('radio', { name: /Removed/ }).check(),
		() => until(async () => (await rows.getByRole('option').first().getAttribute('aria-setsize')) === String(REMOVED), 'the removed rows'),
	);
	await page.getByRole('radio', { name: 'All' }).check();
	const find = page.getByRole('searchbox', { name: 'Find in rows' });
	await timed(
		`a text that ${ADDED} rows have (with 250 ms in which it waits for more letters)`,
		() => find.fill('somebody new'),
		() => until(async () => (await rows.getByRole('option').first().getAttribute('aria-setsize')) === String(ADDED), 'the rows with the text', 120),
	);
	await timed(
		'a text that no row has',
		() => find.fill('nobody at all'),
		() => page.getByText('No row matches').waitFor({ timeout: 120_000 }),
	);
	await find.fill('');
	await rows.getByRole('option').first().waitFor();
});

await test('all its columns are scrolled', async () => {
	await page.getByRole('button', { name: 'Columns' }).click();
	rows = page.getByRole('grid', { name });
	await rows.waitFor();
	await noBars();
	await frames('all columns: wheel, 100 pixels a frame', 'list.scrollTop += 100');
	await frames('all columns: fast, 3,000 pixels a frame', 'list.scrollTop += 3000');
	const { keeper, web } = resident();
	const heap = await page.evaluate(() => performance.memory.usedJSHeapSize / 2 ** 20);
	say('resident then: keeper, web; JavaScript’s heap', `${keeper.toFixed(0)} MiB, ${web.toFixed(0)} MiB; ${heap.toFixed(0)} MiB | | | | | | `);
});

console.log(`\n| ${ROWS.toLocaleString('en')} rows that differ | script + layout, ms a frame | median ms | 95 % | 99 % | longest | frames over 50 ms | with rows still to come |\n|---|---:|---:|---:|---:|---:|---:|---:|`);
for (const line of table) console.log(line);
await finish();
