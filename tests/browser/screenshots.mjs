// All pictures of docs/screenshots, of the real daemon and real containers; each that README.md and docs show is made here,
// and each that is made is shown.
//
//	STACKSNAP=build/stacksnap PASSPHRASE=... node tests/browser/screenshots.mjs REPOSITORY SHOP WIKI
//
// SHOP is a project that runs demo/stack, WIKI one that runs tests/browser/stack: REPOSITORY has points of both, of
// many days (backup --time).  Rows of WIKI are changed, and it is restored.  Other stacks of the host are left out.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Daemon, equal, expect, finish, logIn, open, passphrase, password, test, user } from './harness.mjs';

const [repository, shop, wiki] = process.argv.slice(2);
const top = new URL('../../', import.meta.url).pathname;
const folder = join(top, 'docs/screenshots');
const LIMIT = 200_000;
const taken = new Set();
const daemon = await Daemon.start();

/** Stacks of the host that are not meant are left out of the lists. */
async function onlyOurs(page) {
	const isOurs = (name) => !name || name === shop || name === wiki;
	for (const path of ['overview', 'stacks'])
		await page.route(`**/api/v1/${path}`, async (route) => {
			const response = await route.fetch();
			const body = await response.json();
			if (body.stacks) body.stacks = body.stacks.filter((one) => isOurs(one.name));
			if (body.attention) body.attention = body.attention.filter((one) => isOurs(one.stack));
			if (body.others) body.others = [];
			await route.fulfill({ response, json: body });
		});
}

async function picture(page, name) {
	await page.mouse.move(0, 0); // nothing is pointed at
	await page.waitForTimeout(1500); // what is loaded appears
	const path = join(folder, `${name}.png`);
	await page.screenshot({ path });
	const { size } = statSync(path);
	expect(size < LIMIT, `${path} has ${size} bytes, ${LIMIT} are the limit`);
	taken.add(`${name}.png`);
}

async function visit(path, options = {}) {
	const page = await open(daemon.url + path, { ...options, prepare: onlyOurs });
	await logIn(page);
	await page.locator('main h1').waitFor();
	return page;
}

async function go(page, path) {
	await page.goto(daemon.url + path);
	await page.locator('main h1').waitFor();
}

function sql(text) {
	const done = spawnSync('docker', ['exec', `${wiki}-db-1`, 'psql', '-qAtX', '-v', 'ON_ERROR_STOP=1', '-U', 'shop', '-d', 'shop', '-c', text], { encoding: 'utf8' });
	equal(done.status, 0, `the end of psql, which says ${done.stderr}`);
}

await test('onboarding', async () => {
	const page = await open(`${daemon.url}/#token=${daemon.token}`, { width: 1100, height: 720 });
	await page.getByLabel('Password', { exact: true }).fill(password);
	await page.getByLabel('Once more').fill(password);
	await page.getByLabel('Your name').fill(user);
	await page.getByRole('button', { name: 'Go on' }).click();
	await page.getByLabel('Folder', { exact: true }).fill('/srv/stacksnap');
	await page.getByRole('button', { name: 'Keep them here' }).and(page.locator(':enabled')).waitFor();
	await picture(page, 'welcome');
});

await daemon.login();
await daemon.ask('POST', '/repository/open', { address: repository, passphrase: process.env.PASSPHRASE ?? passphrase });
await daemon.ask('POST', '/repository/kit-saved');
for (const stack of [shop, wiki])
	for (const [kind, cron] of [['backup', '0 3 * * *'], ['drill', '30 4 * * 0']])
		await daemon.ask('POST', '/schedules', { kind, stack, cron, zone: 'Europe/Berlin' });

sql("UPDATE orders SET note = NULL; INSERT INTO orders SELECT n, 1, 1, NULL FROM generate_series(41, 44) n ON CONFLICT DO NOTHING");
sql('DELETE FROM orders WHERE id > 9000; ALTER TABLE customers DROP COLUMN IF EXISTS phone; DROP INDEX IF EXISTS orders_by_note');
const first = (await daemon.complete(`/stacks/${wiki}/backup`)).snapshot;
sql(`UPDATE orders SET note = 'paid on Tuesday' WHERE id % 100 = 0; DELETE FROM orders WHERE id BETWEEN 41 AND 44;
     INSERT INTO orders VALUES (9001, 3, 4200, 'the new one'), (9002, 4, 100, NULL);
     ALTER TABLE customers ADD COLUMN phone text; CREATE INDEX orders_by_note ON orders (note)`);
const second = (await daemon.complete(`/stacks/${wiki}/backup`)).snapshot;
const compare = `/compare/${first.slice(0, 12)}/${second.slice(0, 12)}`;

let shopPoint = '';
await test('a stack, and a backup of it at work', async () => {
	const page = await visit(`/stacks/${shop}`);
	await picture(page, 'stack');
	await page.locator('main header').getByRole('button', { name: 'Back up now' }).click();
	await page.getByText(/quiet for/).first().waitFor({ timeout: 60_000 });
	await picture(page, 'run');
	await page.locator('main header').getByText('Complete', { exact: true }).waitFor({ timeout: 120_000 });
	shopPoint = (await daemon.ask('GET', `/snapshots?stack=${shop}&limit=1`)).snapshots[0].id;
});

const drill = await daemon.complete(`/stacks/${wiki}/drill`);

await test('Home and a drill, in light and dark, and on a phone', async () => {
	const page = await visit('/');
	await picture(page, 'home');
	const dark = await visit('/', { dark: true });
	await picture(dark, 'home-dark');
	await go(dark, `/runs/${drill.id}`);
	await picture(dark, 'drill-dark');
	await picture(await visit('/', { width: 390, height: 844, dark: true }), 'home-phone');
});

await test('points, and what is in one', async () => {
	const page = await visit(`/snapshots?stack=${shop}`);
	await picture(page, 'snapshots');
	await go(page, `/snapshots/${shopPoint}`);
	await picture(page, 'snapshot');
	await go(page, `/snapshots/${shopPoint}/files?path=project/compose.yaml`);
	await page.getByRole('region', { name: 'Preview' }).waitFor();
	await picture(page, 'snapshot-files');
	await go(page, `/snapshots/${shopPoint}/databases`);
	await page.getByRole('row', { name: /public\.orders/ }).waitFor();
	await picture(page, 'snapshot-databases');
});

await test('what changed between two points', async () => {
	const page = await visit(compare);
	await page.getByRole('link', { name: 'orders' }).waitFor({ timeout: 60_000 });
	await picture(page, 'compare-summary');
	const orders = `${compare}/rows?service=db&database=shop&table=public.orders`;
	for (const [path, name] of [
		[orders, 'compare-rows'],
		[`${orders}&row=6`, 'compare-row'],
		[`${orders}&layout=columns`, 'compare-columns'],
		[`${compare}/schema`, 'compare-schema'],
	]) {
		await go(page, path);
		await picture(page, name);
	}
	await picture(await visit(orders, { width: 390, height: 844 }), 'compare-rows-phone');
});

await test('a restore: what would be lost, one table, undo', async () => {
	const page = await visit(`/snapshots/${first}/restore?scope=tables&service=db&database=shop&table=public.orders`);
	await page.getByRole('radio', { name: /In place/ }).check();
	await page.getByRole('button', { name: 'Look what it would do' }).click();
	await page.getByText(/brings back \d+ rows/).waitFor({ timeout: 60_000 });
	await picture(page, 'restore-table');
	await go(page, `/snapshots/${first}/restore`);
	await page.getByRole('button', { name: 'Look what it would do' }).click();
	await page.getByText(/Rows would be lost or changed/).waitFor({ timeout: 60_000 });
	await picture(page, 'restore');
	await page.getByLabel('Name to confirm').fill(wiki);
	await page.getByRole('button', { name: 'Restore', exact: true }).click();
	await page.waitForURL('**/runs/*');
	await page.getByText('Complete', { exact: true }).first().waitFor({ timeout: 120_000 });
	await go(page, `/restores/${wiki}`);
	await page.getByRole('button', { name: 'Undo the restore…' }).waitFor();
	await picture(page, 'restore-undo');
	await daemon.complete(`/restores/${wiki}/undo`, { confirm: wiki });
});

await test('each picture is shown, and each that is shown is made', async () => {
	const docs = readdirSync(join(top, 'docs')).filter((name) => name.endsWith('.md')).map((name) => join(top, 'docs', name));
	const text = [join(top, 'README.md'), ...docs].map((path) => readFileSync(path, 'utf8')).join('\n');
	const shown = new Set([...text.matchAll(/screenshots\/([\w-]+\.png)/g)].map(([, name]) => name));
	const there = readdirSync(folder);
	equal(there.filter((name) => !taken.has(name)).join(' '), '', 'what is there and was not made');
	equal(there.filter((name) => !shown.has(name)).join(' '), '', 'what is nowhere shown');
	equal([...shown].filter((name) => !there.includes(name)).join(' '), '', 'what is shown and not there');
});

await finish();
