// The pictures of docs/screenshots, of the real daemon on a repository that has a history.  Other stacks of the host
// than those that are named are left out of the lists.
//
//	SCREENSHOTS=1 STACKSNAP=build/stacksnap PASSPHRASE=... node tests/browser/screenshots.mjs REPOSITORY STACK [STACK]...
import { Daemon, finish, logIn, open, passphrase, password, test, user } from './harness.mjs';
import { onlyNamed } from './picture.mjs';

const [repository, ...names] = process.argv.slice(2);
const [name] = names;
const folder = new URL('../../docs/screenshots/', import.meta.url).pathname;
const daemon = await Daemon.start();

async function picture(page, file) {
	await page.waitForTimeout(1200); // what is loaded appears
	await page.screenshot({ path: `${folder}${file}.png` });
}

async function visit(path, file, options) {
	const page = await open(daemon.url + path, { ...options, prepare: onlyNamed(...names) });
	await logIn(page);
	await page.locator('main h1').waitFor();
	await picture(page, file);
	return page;
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
await daemon.complete(`/stacks/${names.at(-1)}/backup`);
for (const stack of names)
	for (const [kind, cron] of [['backup', '0 3 * * *'], ['drill', '30 4 * * 0']])
		await daemon.ask('POST', '/schedules', { kind, stack, cron, zone: 'Europe/Berlin' });

await test('a backup at work', async () => {
	const page = await visit(`/stacks/${name}`, 'stack');
	await page.locator('main header').getByRole('button', { name: 'Back up now' }).click();
	await page.getByText(/quiet for/).first().waitFor({ timeout: 60_000 });
	await picture(page, 'run');
	await page.locator('main header').getByText('Complete', { exact: true }).waitFor({ timeout: 90_000 });
});

const drill = await daemon.complete(`/stacks/${name}/drill`);

await test('Home and a drill, in light and dark, and on a phone', async () => {
	await visit('/', 'home');
	await visit('/', 'home-dark', { dark: true });
	await visit(`/runs/${drill.id}`, 'drill-dark', { dark: true });
	await visit('/', 'home-phone', { width: 360, height: 740, dark: true });
});

await finish();
