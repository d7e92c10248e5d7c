// Going back to a point in a browser: a look first, a typed name, the run live, undo; and what the settings show of it.
import { accessible, Daemon, equal, expect, finish, given, inContainer, openAt, stack, test } from './harness.mjs';
import { picture } from './picture.mjs';

const sql = (text) => inContainer('db', 'psql', '-qAtX', '-v', 'ON_ERROR_STOP=1', '-U', 'shop', '-d', 'shop', '-c', text);
const noteOf = (id) => sql(`SELECT note FROM orders WHERE id = ${id}`);

let daemon;
let page;
let first;

await given('a point is made, and rows change behind it', async () => {
	daemon = await Daemon.start();
	await daemon.prepare();
	sql("UPDATE orders SET note = NULL; INSERT INTO orders SELECT n, 1, 1, NULL FROM generate_series(41, 44) n ON CONFLICT DO NOTHING");
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
	await picture(page, 'restore');
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
	await picture(page, 'restore-undo');
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
