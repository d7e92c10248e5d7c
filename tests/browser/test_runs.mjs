// Runs as they happen: the live log, a daemon that dies meanwhile, a session that ends, schedules, keys, phones.
import { accessible, Daemon, equal, expect, finish, fits, given, openAt, password, stack, test, until, user } from './harness.mjs';

let daemon;
let page;
const title = (text) => page.getByRole('heading', { level: 1, name: text }).waitFor();
const badge = (text, timeout = 60_000) => page.locator('main header').getByText(text, { exact: true }).waitFor({ timeout });
const log = () => page.getByRole('log').innerText();

await given('a stack without a point says what comes next', async () => {
	daemon = await Daemon.start();
	await daemon.prepare();
	page = await openAt(daemon, `/stacks/${stack}`);
	await page.getByText(`${stack} has no point yet`).waitFor();
	await accessible(page, 'a stack without points');
});

await test('a backup is followed live: steps, log, the pause drawn, the point it makes', async () => {
	await page.getByRole('button', { name: 'Back up now' }).first().click();
	await title(`Backup of ${stack}`);
	await badge('Running', 15_000);
	await page.getByRole('log').getByText(`check stack ${stack}`).waitFor();
	await accessible(page, 'a run at work');
	await badge('Complete');
	await page.getByText(/^writer quiet for \d+/).waitFor();
	await until(async () => /writer runs again/.test(await log()), 'the log tells that the service runs again');
	expect(/writer paused/.test(await log()), 'the log tells of the pause');
	await page.getByRole('link', { name: /^Snapshot [0-9a-f]{8}$/ }).waitFor();
	await page.getByText('Services quiet').waitFor();
	await accessible(page, 'a run that is over');
});

await test('a daemon that dies takes no run and no line with it', async () => {
	await page.goto(`${daemon.url}/stacks/${stack}`);
	await page.getByRole('button', { name: 'Back up now' }).click();
	await badge('Running', 15_000);
	await daemon.stop('SIGKILL');
	await page.getByText('No connection to StackSnap').waitFor();
	await daemon.run();
	await page.getByText('No connection to StackSnap').waitFor({ state: 'detached', timeout: 30_000 });
	await badge('Complete');
	await until(async () => /write snapshot/.test(await log()), 'the log is complete');
	const lines = (await log()).split('\n');
	for (const once of ['check stack', 'fix the instant', 'writer paused', 'write snapshot'])
		equal(lines.filter((line) => line.includes(once)).length, 1, `how often the log says "${once}"`);
});

await test('a run can be cancelled', async () => {
	await page.goto(`${daemon.url}/stacks/${stack}`);
	await page.getByRole('button', { name: 'Drill now' }).click();
	await title(`Drill of ${stack}`);
	await page.getByRole('button', { name: 'Cancel' }).click();
	await badge('Cancelled');
	await page.getByText('It was cancelled').waitFor();
	await page.goto(`${daemon.url}/runs`);
	await until(async () => (await page.getByRole('row').count()) === 4, 'the list has three runs, and its head');
	await accessible(page, 'the list of runs');
});

await test('a schedule is made with the next times before one\'s eyes', async () => {
	await page.goto(`${daemon.url}/stacks/${stack}/schedules`);
	await page.getByRole('button', { name: 'Plan a nightly backup' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('How often').selectOption('weekly');
	await dialog.getByLabel('Day').selectOption('Wednesday');
	await dialog.getByLabel('At', { exact: true }).fill('03:30');
	await dialog.getByLabel('Time zone').fill('Europe/Berlin');
	await dialog.getByText(/^\d+ \w+ \d+, 03:30/).first().waitFor();
	await accessible(page, 'the dialog of a schedule');
	await dialog.getByLabel('How often').selectOption('cron');
	await dialog.getByLabel('Cron', { exact: true }).fill('0 3 30 2 *');
	await dialog.locator('.error').waitFor();
	expect(await dialog.getByRole('button', { name: 'Save' }).isDisabled(), 'a day that never comes cannot be saved');
	await dialog.getByLabel('Cron', { exact: true }).fill('30 3 * * 3');
	await dialog.getByText(/^\d+ \w+ \d+, 03:30/).first().waitFor();
	await dialog.getByRole('button', { name: 'Save' }).click();
	await page.getByText('Backup Wednesdays at 03:30').waitFor();
	await page.getByText('No drill is planned').waitFor();
});

await test('retention shows what it would keep before it is in force', async () => {
	await page.goto(`${daemon.url}/stacks/${stack}/retention`);
	await page.getByText('2 points kept, 0 removed').waitFor();
	for (const label of ['Daily', 'Weekly', 'Monthly']) await page.getByLabel(label).fill('0');
	await page.getByLabel('Last').fill('1');
	await page.getByText('last 1', { exact: true }).waitFor();
	await page.getByText('nothing newer is proved').waitFor();
	await accessible(page, 'retention');
});

await test('a session that ends asks for the password and loses nothing', async () => {
	// Somebody changes the password elsewhere: all other sessions end.
	await daemon.login();
	const other = `${password}, another`;
	await daemon.ask('PUT', '/password', { old: password, new: other });
	await page.getByText('Your session has ended').waitFor();
	await accessible(page, 'the login');
	await page.getByLabel('Password').fill(password);
	await page.getByRole('button', { name: 'Log in' }).click();
	await page.getByRole('alert').waitFor();
	await page.getByLabel('Password').fill(other);
	await page.getByRole('button', { name: 'Log in' }).click();
	await page.getByText('Your session has ended').waitFor({ state: 'detached' });
	equal(await page.getByLabel('Last').inputValue(), '1', 'what was typed before');
	equal(await page.getByRole('navigation', { name: 'Main' }).isVisible(), true, 'the page');
	await page.getByRole('button', { name: 'Put in force' }).click();
	await page.getByText('in force', { exact: true }).waitFor();
	equal(new URL(page.url()).pathname, `/stacks/${stack}/retention`, 'the address');
	await page.getByText(`${user}`, { exact: true }).first().waitFor();
});

await test('it is used by keys alone', async () => {
	await page.keyboard.press('g');
	await page.keyboard.press('r');
	await title('Runs');
	equal(await page.evaluate(() => document.activeElement?.tagName), 'H1', 'what has the focus');
	await page.keyboard.press('/');
	await page.getByRole('combobox', { name: 'Search' }).waitFor();
	await page.keyboard.type(stack);
	await page.getByRole('option', { name: `${stack} stack`, exact: true }).waitFor();
	await page.keyboard.press('Enter');
	await title(stack);
	await page.keyboard.press('?');
	await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
	await page.keyboard.press('Escape');
	await page.getByRole('dialog', { name: 'Keyboard' }).waitFor({ state: 'detached' });
	await page.goBack();
	await title('Runs');
});

await test('a view whose style does not come at first is not shown bare', async () => {
	await page.goto(`${daemon.url}/`);
	await page.getByRole('article', { name: stack }).waitFor();
	let refused = 0;
	const refuse = (route) => (refused++ < 2 ? route.abort() : route.continue());
	await page.route('**/assets/*.css', refuse);
	await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Snapshots' }).click();
	await title('Snapshots');
	await page.unroute('**/assets/*.css', refuse);
	expect(refused > 1, `${refused} styles were asked for`);
	equal(await page.locator('main h1').evaluate((one) => getComputedStyle(one.closest('.page')).display), 'flex', 'what the style says');
});

await test('every view fits a phone', async () => {
	await page.setViewportSize({ width: 360, height: 740 });
	for (const [path, heading] of [
		['/', /./],
		['/runs', 'Runs'],
		['/runs/1', `Backup of ${stack}`],
		[`/stacks/${stack}`, stack],
		[`/stacks/${stack}/plan`, stack],
		[`/stacks/${stack}/schedules`, stack],
		[`/stacks/${stack}/retention`, stack],
	]) {
		await page.goto(daemon.url + path);
		await title(heading);
		await until(async () => (await page.locator('.skeleton').count()) === 0, `${path} is loaded`);
		await fits(page, path);
	}
	await accessible(page, 'retention on a phone');
});

await finish();
