// Going back to a point in a browser: a look first, a typed name, the run live, undo; and what the settings show of it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accessible, Daemon, equal, expect, finish, fits, given, inContainer, openAt, stack, test, work } from './harness.mjs';

const sql = (text) => inContainer('db', 'psql', '-qAtX', '-v', 'ON_ERROR_STOP=1', '-U', 'shop', '-d', 'shop', '-c', text);
const keys = (...args) => inContainer('cache', 'redis-cli', ...args);
const noteOf = (id) => sql(`SELECT note FROM orders WHERE id = ${id}`);

let daemon;
let page;
let first;

await given('a point is made, and rows change behind it', async () => {
	daemon = await Daemon.start();
	await daemon.prepare();
	sql("UPDATE orders SET note = NULL; INSERT INTO orders SELECT n, 1, 1, NULL FROM generate_series(41, 44) n ON CONFLICT DO NOTHING");
	inContainer('writer', 'sh', '-c', 'mkdir -p /srv/uploads/docs && echo hello >/srv/uploads/docs/letter && rm -f /srv/uploads/later');
	keys('EVAL', "for i = 1, 9 do redis.call('SET', 'session:' .. i, 'open') end redis.call('SET', 'other', 'x')", '0');
	first = (await daemon.complete(`/stacks/${stack}/backup`)).snapshot;
	sql("UPDATE orders SET note = 'paid on Tuesday' WHERE id % 100 = 0; DELETE FROM orders WHERE id BETWEEN 41 AND 44");
	page = await openAt(daemon, '/snapshots');
});

/** Another address in the same window, loaded anew. */
async function go(path) {
	await page.goto(daemon.url + path);
	await page.locator('main h1').waitFor();
}

await test('a restore is looked at first, wants a name typed, and is seen live', async () => {
	await go(`/snapshots/${first}/restore`);
	await page.getByRole('button', { name: 'Look what it would do' }).click();
	await page.getByText(/Rows would be lost or changed|cannot be restored|could not be made/).waitFor({ timeout: 60_000 });
	expect(await page.getByText(/Rows would be lost or changed/).isVisible(), await page.locator('main').innerText());
	expect(/orders/.test(await page.locator('main').innerText()), 'the preview names the table');
	await accessible(page, 'the preview of a restore');
	const button = page.getByRole('button', { name: 'Restore', exact: true });
	expect(await button.isDisabled(), 'it cannot be begun without the name');
	await page.getByLabel('Name to confirm').fill(`${stack}x`);
	expect(await button.isDisabled(), 'another name is not enough');
	await page.getByLabel('Name to confirm').fill(stack);
	await button.click();
	await page.waitForURL('**/runs/*');
	await page.getByText('Complete', { exact: true }).first().waitFor({ timeout: 90_000 });
	equal(sql('SELECT count(*) FROM orders WHERE id BETWEEN 41 AND 44'), '4', 'rows that were deleted since');
	equal(noteOf(100), '', 'a note as it was');
});

await test('it is undone, and what was there is back', async () => {
	await go(`/restores/${stack}`);
	await page.getByRole('button', { name: 'Undo the restore…' }).waitFor();
	await accessible(page, 'an open restore');
	await page.getByRole('button', { name: 'Undo the restore…' }).click();
	await page.getByLabel('Name of the stack').fill(stack);
	await page.getByRole('button', { name: 'Undo', exact: true }).click();
	await page.waitForURL('**/runs/*');
	await page.getByText('Complete', { exact: true }).first().waitFor({ timeout: 90_000 });
	equal(sql('SELECT count(*) FROM orders WHERE id BETWEEN 41 AND 44'), '0', 'rows that were deleted');
	equal(noteOf(100), 'paid on Tuesday', 'a note as it is');
	await page.goto(`${daemon.url}/restores`);
	await page.getByText('No restore is open').waitFor();
});

/** Begins the restore that was looked at, and waits until it is done. */
async function restore(word, button = 'Restore') {
	if (word) await page.getByLabel('Name to confirm').fill(word);
	await page.getByRole('button', { name: button, exact: true }).click();
	await page.waitForURL('**/runs/*');
	await page.getByText('Complete', { exact: true }).first().waitFor({ timeout: 90_000 });
}

const look = () => page.getByRole('button', { name: 'Look what it would do' }).click();
const lost = () => sql('SELECT count(*) FROM orders WHERE id BETWEEN 41 AND 44');

await test('one table is put beside, and nothing that is there is touched', async () => {
	sql('DROP SCHEMA IF EXISTS yesterday CASCADE');
	await go(`/snapshots/${first}/databases`);
	await page.getByRole('link', { name: 'Restore public.orders' }).click();
	expect(await page.getByLabel('public.orders').isChecked(), 'the table is chosen');
	await page.getByLabel('Name of the schema').fill('yesterday');
	await accessible(page, 'a table to restore');
	await look();
	await page.getByText('made anew in yesterday', { exact: true }).waitFor({ timeout: 60_000 });
	await accessible(page, 'the preview of a table');
	await restore('', 'Put beside');
	await page.getByText('public.orders is in yesterday now').waitFor();
	equal(sql('SELECT count(*) FROM yesterday.orders WHERE id BETWEEN 41 AND 44'), '4', 'rows beside');
	equal(lost(), '0', 'rows that were deleted, in the table itself');
});

await test('one table is exchanged in place, and undone', async () => {
	await page.setViewportSize({ width: 360, height: 740 });
	await go(`/snapshots/${first}/restore?scope=tables&service=db&database=shop&table=public.orders`);
	await page.getByRole('radio', { name: /In place/ }).check();
	await look();
	await page.getByText(/brings back 4 rows, changes 50 rows/).waitFor({ timeout: 60_000 });
	await fits(page, 'the preview of a table');
	await page.setViewportSize({ width: 1280, height: 860 });
	expect(await page.getByRole('button', { name: 'Restore', exact: true }).isDisabled(), 'it cannot be begun without the name');
	await restore(stack);
	equal(lost(), '4', 'rows that were deleted');
	equal(noteOf(100), '', 'a note as it was');
	await accessible(page, 'a run with rows that are kept');
	await page.getByRole('button', { name: 'Undo…' }).click();
	await page.getByText('Nothing was written to it since').waitFor({ timeout: 60_000 });
	await page.getByLabel('Name of the stack').fill(stack);
	await page.getByRole('button', { name: 'Undo', exact: true }).click();
	await page.getByRole('heading', { level: 1, name: `Undo of ${stack}` }).waitFor();
	await page.getByText('Complete', { exact: true }).first().waitFor({ timeout: 60_000 });
	equal(lost(), '0', 'rows that were deleted');
	equal(noteOf(100), 'paid on Tuesday', 'a note as it is');
});

await test('keys that begin alike are exchanged in place, listed as kept, and finished', async () => {
	keys('MSET', 'session:1', 'closed', 'session:2', 'closed', 'other', 'y');
	await go(`/snapshots/${first}/databases`);
	await page.getByRole('link', { name: 'Restore keys of db0' }).click();
	await page.getByLabel('Keys that begin with').fill('session:');
	await page.getByText('Say the number of an empty database').waitFor();
	await page.getByRole('radio', { name: /In place/ }).check();
	await accessible(page, 'keys to restore');
	await look();
	await page.getByRole('heading', { name: 'db0: keys session:…' }).waitFor({ timeout: 60_000 });
	await page.getByText(/changes 2 keys/).waitFor();
	await restore(stack);
	equal(keys('MGET', 'session:1', 'session:9', 'other'), 'open\nopen\ny', 'the keys');
	await go('/restores');
	await page.getByText('What the keys session:… were before is kept in the server').waitFor();
	await accessible(page, 'keys that are kept');
	await page.getByRole('button', { name: 'Finish…' }).click();
	await page.getByLabel('Name of the stack').fill(stack);
	await page.getByRole('button', { name: 'Remove the old keys' }).click();
	await page.waitForURL('**/runs/*');
	await page.getByText('Complete', { exact: true }).first().waitFor({ timeout: 60_000 });
	equal(keys('--scan', '--pattern', 'stacksnap:*'), '', 'keys of ours');
	await page.goto(`${daemon.url}/restores`);
	await page.getByText('No restore is open').waitFor();
});

await test('one member comes back alone, and what was there before is removed for good', async () => {
	inContainer('writer', 'sh', '-c', 'echo later >/srv/uploads/later; rm -r /srv/uploads/docs');
	await go(`/snapshots/${first}/restore`);
	await page.getByRole('radio', { name: /Some members/ }).check();
	await page.getByLabel(`volume ${stack}_uploads`).check();
	await look();
	await page.getByText('Is replaced').waitFor({ timeout: 60_000 });
	expect(!/pgdata/.test(await page.locator('main').getByRole('list').filter({ hasText: 'uploads' }).first().innerText()), 'only this volume is replaced');
	await restore(stack);
	equal(inContainer('writer', 'sh', '-c', 'cat /srv/uploads/docs/letter; ls /srv/uploads | grep -c later || true'), 'hello\n0', 'the volume');
	equal(noteOf(100), 'paid on Tuesday', 'a note of the database, which is as it was');
	await go(`/restores/${stack}`);
	await page.getByRole('button', { name: 'Finish…' }).click();
	await page.getByLabel('Name of the stack').fill(stack);
	await page.getByRole('button', { name: 'Delete the old data' }).click();
	await page.getByRole('heading', { level: 1, name: `Finish of ${stack}` }).waitFor();
	await page.getByText('Complete', { exact: true }).first().waitFor({ timeout: 60_000 });
	await page.goto(`${daemon.url}/restores`);
	await page.getByText('No restore is open').waitFor();
});

await test('one file, and one folder, are put where one says', async () => {
	const docs = `volumes/${stack}_uploads/docs`;
	for (const [path, back] of [
		[`${docs}/letter`, 'file'],
		[docs, 'folder'],
	]) {
		const to = join(work, 'back', back);
		await go(`/snapshots/${first}/files?path=${encodeURIComponent(path)}`);
		await page.getByRole('region', { name: 'Preview' }).getByRole('link', { name: 'Restore' }).click();
		equal(await page.getByLabel('Paths in the snapshot, one a line').inputValue(), path, 'the path');
		await page.getByLabel('Folder', { exact: true }).fill(to);
		await look();
		await page.getByText(`${docs}/letter`).last().waitFor({ timeout: 60_000 });
		await restore(to);
		equal(readFileSync(join(to, docs, 'letter'), 'utf8'), 'hello\n', `the ${back}`);
	}
});

await test('tokens are shown once, and work; the audit log has all of it', async () => {
	await go('/settings/tokens');
	await page.getByRole('button', { name: 'New token' }).click();
	await page.getByLabel('Name').fill('monitoring');
	await accessible(page, 'a new token');
	await page.getByRole('button', { name: 'Make the token' }).click();
	const secret = await page.locator('code').filter({ hasText: /^[0-9a-f]{64}$/ }).innerText();
	const asked = await fetch(`${daemon.url}/api/v1/overview`, { headers: { authorization: `Bearer ${secret}` } });
	equal(asked.status, 200, 'an answer to the token');
	await page.reload();
	await page.getByRole('row', { name: /monitoring/ }).waitFor();
	expect(!(await page.content()).includes(secret), 'the token is not shown again');
	await page.getByRole('button', { name: 'Remove monitoring' }).click();
	await page.getByRole('button', { name: 'Remove', exact: true }).click();
	await page.getByText('No token', { exact: true }).waitFor();
	equal((await fetch(`${daemon.url}/api/v1/overview`, { headers: { authorization: `Bearer ${secret}` } })).status, 401, 'the answer then');

	await page.goto(`${daemon.url}/settings/audit`);
	for (const what of ['Token made', 'Token removed', 'Restore begun', 'Restore undone']) await page.getByText(what).first().waitFor();
	await accessible(page, 'the audit log');
	await page.goto(`${daemon.url}/settings/repository`);
	await page.getByText(daemon.repository).waitFor();
	await accessible(page, 'the repository');
	await page.goto(`${daemon.url}/settings`);
	await page.getByLabel('Current password').waitFor();
	await accessible(page, 'the account');
});

await finish();
