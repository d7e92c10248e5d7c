// Points in a browser: what is in them, what changed between them down to the row, and going back to one.
import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accessible, Daemon, equal, expect, finish, fits, given, inContainer, openAt, passphrase, stack, stackFolder, stacksnap, test, until, work } from './harness.mjs';

const sql = (text) => inContainer('db', 'psql', '-qAtX', '-v', 'ON_ERROR_STOP=1', '-U', 'shop', '-d', 'shop', '-c', text);
const LONG = 'a note that is long enough to be cut in a cell, and goes on for a while, '.repeat(4);
const photo = readFileSync(new URL('../../docs/screenshots/home-phone.png', import.meta.url));

/** Two points, and what lies between them. */
async function makePoints(daemon) {
	inContainer('writer', 'sh', '-c', 'mkdir -p /srv/uploads/many && cd /srv/uploads/many && for n in $(seq 1500); do echo $n >file-$n; done');
	sql(`UPDATE orders SET note = '${LONG}old end' WHERE id = 7`);
	const first = (await daemon.complete(`/stacks/${stack}/backup`)).snapshot;
	sql(`UPDATE orders SET note = 'paid on Tuesday' WHERE id % 100 = 0;
	     UPDATE orders SET note = '${LONG}new end' WHERE id = 7;
	     DELETE FROM orders WHERE id BETWEEN 41 AND 44;
	     INSERT INTO orders VALUES (9001, 3, 4200, 'the <b>new</b> one'), (9002, 4, 100, NULL);
	     ALTER TABLE customers ADD COLUMN phone text; CREATE INDEX orders_by_note ON orders (note)`);
	appendFileSync(join(stackFolder, 'compose.yaml'), '# changed between the points\n');
	writeFileSync(join(stackFolder, 'photo.png'), photo);
	const second = (await daemon.complete(`/stacks/${stack}/backup`)).snapshot;
	return [first, second];
}

let daemon;
let page;
let first;
let second;
let compare;

await given('two points are made', async () => {
	daemon = await Daemon.start();
	await daemon.prepare();
	[first, second] = await makePoints(daemon);
	compare = `/compare/${first.slice(0, 12)}/${second.slice(0, 12)}`;
});

await given('the browser shows the page', async () => {
	page = await openAt(daemon, '/snapshots');
});

/** Another address in the same window, loaded anew. */
async function go(path) {
	await page.goto(daemon.url + path);
	await page.locator('main h1').waitFor();
}

await test('two points are chosen in the list, and compared', async () => {
	await go('/snapshots');
	await page.getByLabel(`Compare ${second.slice(0, 8)}`).check();
	await page.getByLabel(`Compare ${first.slice(0, 8)}`).check();
	await accessible(page, 'the list of points');
	await page.getByRole('region', { name: 'Comparing' }).getByRole('link', { name: 'Compare' }).click();
	await page.getByRole('link', { name: 'orders' }).waitFor();
	// The older one is before, in whichever order they were chosen.
	equal(new URL(page.url()).pathname, compare, 'the address');
	const orders = page.getByRole('row', { name: /^orders/ });
	const told = await orders.innerText();
	expect(/\+2\b/.test(told) && /−4\b/.test(told) && /~51\b/.test(told), `the counts of orders: ${told}`);
	await accessible(page, 'the summary');
	await fits(page, 'the summary');
});

await test('rows tell what they were and are; each view has its own address', async () => {
	await go(`${compare}/rows`);
	await page.getByRole('navigation', { name: 'Tables' }).getByRole('link', { name: /^orders/ }).click();
	await page.getByRole('heading', { name: 'public.orders' }).waitFor();
	const rows = page.getByRole('listbox', { name: 'public.orders' });
	await page.getByText('57 rows', { exact: true }).waitFor();
	await accessible(page, 'the rows');

	await page.getByRole('radio', { name: /Removed/ }).check();
	await page.getByText('4 rows match').waitFor();
	expect((await rows.getByRole('option').first().innerText()).includes('41'), 'the first removed row is 41');

	await page.getByRole('radio', { name: 'All' }).check();
	await page.getByRole('searchbox', { name: 'Find in rows' }).fill('new end');
	await page.getByText('1 row match').waitFor();
	await rows.focus();
	await page.keyboard.press('Enter');
	const dialog = page.getByRole('dialog');
	await dialog.getByText('1 of 1', { exact: true }).waitFor();
	const marks = await dialog.locator('mark').allInnerTexts();
	equal(marks.join(' '), 'old new', 'what is marked in the long value');
	expect((await dialog.innerText()).includes(`${LONG}new end`.trim()), 'the dialog has the value whole');
	await accessible(page, 'a row');

	// Sharing and reloading give the same view.
	const address = page.url();
	const other = await page.context().newPage();
	await other.goto(address);
	await other.getByRole('dialog').getByText('1 of 1', { exact: true }).waitFor();
	equal(await other.getByRole('searchbox', { name: 'Find in rows' }).inputValue(), 'new end', 'the filter');
	await other.keyboard.press('Escape');
	await until(async () => !other.url().includes('row='), 'the closed row is not in the address');
	await other.close();
});

await test('all columns can be seen; values are text, never markup', async () => {
	await go(`${compare}/rows?service=db&database=shop&table=public.orders&layout=columns`);
	const grid = page.getByRole('grid', { name: 'public.orders' });
	await grid.focus();
	await page.keyboard.press('End');
	await grid.getByText('the <b>new</b> one').waitFor();
	equal(await grid.getByRole('columnheader').count(), 5, 'columns');
	expect((await grid.innerText()).includes('NULL'), 'NULL is told');
	await accessible(page, 'the columns');
});

await test('schemas and texts are compared, in one column or two', async () => {
	await go(`${compare}/schema`);
	await page.getByText('phone text').first().waitFor();
	await page.getByText('INDEX public.orders_by_note').waitFor();
	await accessible(page, 'the schemas');

	await page.getByRole('navigation', { name: 'Views of the comparison' }).getByRole('link', { name: /^Files/ }).click();
	await page.getByRole('listbox', { name: 'Files that differ' }).getByRole('option', { name: /compose\.yaml/ }).click();
	await page.getByText('# changed between the points').waitFor();
	await page.getByRole('button', { name: 'Side by side' }).click();
	await until(async () => page.url().includes('layout=split'), 'the layout is in the address');
	await accessible(page, 'a text');
});

await test('what changed since is compared with what is live', async () => {
	sql("UPDATE customers SET city = 'Rome' WHERE id = 5");
	appendFileSync(join(stackFolder, 'compose.yaml'), '# changed since the second point\n');
	await go(`/compare/${second.slice(0, 12)}/live/rows?service=db&database=shop&table=public.customers`);
	const row = page.getByRole('listbox', { name: 'public.customers' }).getByRole('option');
	await row.first().waitFor({ timeout: 40_000 });
	equal(await row.count(), 1, 'rows that differ');
	expect(/Rome/.test(await row.first().innerText()), 'the row tells the new city');
	await accessible(page, 'a comparison with what is live');
	await page.getByRole('navigation', { name: 'Views of the comparison' }).getByRole('link', { name: /^Files/ }).click();
	await page.getByRole('listbox', { name: 'Files that differ' }).getByRole('option', { name: /compose\.yaml/ }).click();
	await page.getByText('# changed since the second point').waitFor();
	await page.getByText('# changed between the points').first().waitFor();
	await accessible(page, 'a text and what is live');
});

await test('the page that `diff --html` writes is sound by itself', async () => {
	const key = join(work, 'passphrase');
	const report = join(work, 'report.html');
	writeFileSync(key, `${passphrase}\n`, { mode: 0o600 });
	const done = spawnSync(stacksnap, ['diff', first, second, '--rows', '--schema', '--html', report], {
		encoding: 'utf8',
		env: { ...process.env, STACKSNAP_REPOSITORY: daemon.repository, STACKSNAP_PASSWORD_FILE: key, XDG_CACHE_HOME: join(work, 'cache') },
	});
	equal(done.status, 0, `the end of the diff: ${done.stderr}`);
	const alone = await page.context().newPage();
	for (const [width, colorScheme] of [
		[1280, 'light'],
		[360, 'dark'],
	]) {
		await alone.setViewportSize({ width, height: 800 });
		await alone.emulateMedia({ colorScheme });
		await alone.goto(`file://${report}`);
		await alone.getByText('the <b>new</b> one').waitFor();
		await fits(alone, `the report, ${width} wide`);
		await accessible(alone, `the report, ${colorScheme}`);
	}
	await alone.close();
});

await test('a point tells what is in it, to eyes and screen readers, on any screen', async () => {
	await go(`/snapshots/${first}`);
	await page.getByText('What is in it').waitFor();
	expect(await page.getByText('Not proved', { exact: true }).isVisible(), 'it is not called proved');
	await accessible(page, 'the certificate');
	await page.setViewportSize({ width: 360, height: 720 });
	await page.emulateMedia({ colorScheme: 'dark' });
	for (const tab of ['', '/files', '/databases', '/receipt']) {
		await go(`/snapshots/${first}${tab}`);
		await page.locator('main [role=treeitem], main table, main dl').first().waitFor();
		await fits(page, `the point${tab}`);
		await accessible(page, `the point${tab}, dark`);
	}
	await go(`${compare}/rows?service=db&database=shop&table=public.orders`);
	await page.getByRole('listbox').getByRole('option').first().waitFor();
	await fits(page, 'the rows');
	await accessible(page, 'the rows, dark');
	await page.emulateMedia({ colorScheme: 'light' });
	await page.setViewportSize({ width: 1280, height: 860 });
});

await test('its files are a tree for the keyboard, and can be looked into and kept', async () => {
	await go(`/snapshots/${first}/files`);
	const tree = page.getByRole('tree', { name: 'Files of the snapshot' });
	await tree.focus();
	await page.keyboard.press('v');
	await page.keyboard.press('ArrowRight');
	await page.getByRole('treeitem', { name: new RegExp(`^${stack}_uploads`) }).waitFor();
	await page.keyboard.press('ArrowRight');
	await page.keyboard.type(`${stack}_up`);
	await page.keyboard.press('ArrowRight');
	await page.getByRole('treeitem', { name: 'many' }).waitFor();
	await page.keyboard.type('many');
	await page.keyboard.press('ArrowRight');
	await page.getByRole('treeitem', { name: /^file-1 / }).waitFor();
	await page.keyboard.press('End');
	// A folder of 1,500: the last one is reached, and only those in sight are in the document.
	const drawn = await page.getByRole('treeitem').count();
	expect(drawn < 100, `${drawn} entries are in the document`);
	await accessible(page, 'the tree');
	await page.keyboard.type('file-77');
	await page.keyboard.press('Enter');
	await page.getByRole('region', { name: 'Preview' }).getByLabel('Text of file-77').waitFor();
	const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
	equal(download.suggestedFilename(), 'file-77', 'the name of the download');
	equal(readFileSync(await download.path(), 'utf8'), '77\n', 'the file');
});

await test('a picture is drawn', async () => {
	await go(`/snapshots/${second}/files?path=project/photo.png`);
	const canvas = page.getByRole('region', { name: 'Preview' }).locator('canvas');
	await until(async () => (await canvas.evaluate((one) => one.width)) === photo.readUInt32BE(16), 'the picture has its width');
	equal(await canvas.evaluate((one) => one.height), photo.readUInt32BE(20), 'the height of the picture');
	const colours = await canvas.evaluate((one) => new Set(new Uint32Array(one.getContext('2d').getImageData(0, 0, one.width, one.height).data.buffer)).size);
	expect(colours > 10, `${colours} colours are seen`);
	await accessible(page, 'a picture');
});

await test('its databases have tables, rows, roots', async () => {
	await go(`/snapshots/${first}/databases`);
	await page.getByRole('row', { name: /public\.orders/ }).waitFor();
	expect((await page.getByRole('row', { name: /public\.orders/ }).innerText()).includes('5\u202f000') || /5.000/.test(await page.getByRole('row', { name: /public\.orders/ }).innerText()), 'orders has 5,000 rows');
	await accessible(page, 'the databases');
});

await finish();
