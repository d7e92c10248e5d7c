// From the token on the console to a backup that is proved, as a person does it.
import { accessible, Daemon, dependent, equal, expect, finish, fits, given, open, password, stack, test, user } from './harness.mjs';

dependent();
let daemon;
let page;
let begin = 0;
const goOn = () => page.getByRole('button', { name: 'Go on', exact: true }).click();
const title = (text, timeout = 15_000) => page.getByRole('heading', { level: 1, name: text }).waitFor({ timeout });

await given('the daemon starts, and Chromium', async () => {
	daemon = await Daemon.start();
	page = await open(daemon.url);
});

await test('the first visit asks for the token, and says what is wrong with another', async () => {
	begin = Date.now();
	await page.reload();
	await title('Welcome to StackSnap');
	await accessible(page, 'the first step');
	await page.getByLabel('Token', { exact: true }).fill('0'.repeat(32));
	await page.getByLabel('Your name', { exact: true }).fill(user);
	await page.getByLabel('Password', { exact: true }).fill(password);
	await page.getByLabel('Once more', { exact: true }).fill(password);
	await goOn();
	await page.getByRole('alert').waitFor();
	expect((await page.getByRole('alert').innerText()).includes('token'), 'it says that the token is wrong');
	await page.getByLabel('Token', { exact: true }).fill(daemon.token);
	await goOn();
	await title('Where shall backups be kept?');
});

await test('a place is tried out while it is typed', async () => {
	await page.getByLabel('Folder', { exact: true }).fill('/proc/nothing');
	await page.getByText('It would not do yet').waitFor();
	expect(await page.getByRole('button', { name: 'Keep them here' }).isDisabled(), 'a place that fails cannot be chosen');
	await page.getByText('A bucket of S3').click();
	await page.getByLabel('Server', { exact: true }).fill('http://127.0.0.1:9');
	await page.getByLabel('Bucket', { exact: true }).fill('none');
	await page.getByLabel('Access key', { exact: true }).fill('key');
	await page.getByLabel('Secret key', { exact: true }).fill('secret');
	await page.getByText('It would not do yet').waitFor({ timeout: 30_000 });
	await accessible(page, 'the place');
	await page.getByText('A folder').click();
	await page.getByLabel('Folder', { exact: true }).fill(daemon.repository);
	await page.getByRole('button', { name: 'Keep them here' }).click();
	await title('Choose a passphrase');
});

await test('a passphrase is suggested; the recovery kit must be kept', async () => {
	await page.getByRole('button', { name: 'Suggest one' }).click();
	await page.getByRole('button', { name: 'Make the repository' }).click();
	await title('The recovery kit');
	expect(await page.getByRole('button', { name: 'Go on' }).isDisabled(), 'it does not go on without the kit');
	await page.getByRole('button', { name: 'Make the recovery kit' }).click();
	await page.getByText('recovery key begins').waitFor();
	await accessible(page, 'the kit');
	const saving = page.waitForEvent('download');
	await page.getByRole('button', { name: 'Save it' }).click();
	equal((await saving).suggestedFilename(), 'stacksnap-recovery-kit.txt', 'the name of the kit');
	await page.getByText('Put it where you will find it').waitFor();
	await goOn();
	await title(/found$/);
});

await test('the first backup is watched as it happens, also after a reload', async () => {
	await page.getByLabel(stack).check();
	await page.getByRole('button', { name: `Back up ${stack}` }).click();
	await title(`Backing up ${stack}`);
	await page.getByRole('progressbar').waitFor();
	await page.reload();
	await title(`${stack} is backed up`, 60_000);
	await page.getByText('Services quiet').waitFor();
	await accessible(page, 'the first backup');
});

await test('the first drill proves it, within three minutes of the first visit', async () => {
	await page.getByRole('button', { name: 'Prove that it comes back' }).click();
	await page.getByText('It comes back', { exact: true }).waitFor({ timeout: 180_000 });
	await title(`${stack} is backed up and proved`);
	const seconds = Math.round((Date.now() - begin) / 1000);
	expect(seconds < 180, `it took ${seconds} s`);
});

await test('schedules are made, and Home tells of what was proved', async () => {
	await goOn();
	await title('From now on by itself');
	await page.getByRole('button', { name: 'Plan it' }).click();
	const row = page.getByRole('article', { name: stack });
	await row.getByText('Next backup').waitFor();
	await row.getByText('the newest point').waitFor();
	expect((await row.getByRole('img').first().getAttribute('aria-label')).includes('1 day complete'), 'the calendar has today');
	await accessible(page, 'Home');
});

await test('Home fits a phone, in light and dark', async () => {
	await page.setViewportSize({ width: 360, height: 740 });
	await fits(page, 'Home');
	await accessible(page, 'Home on a phone');
	await page.getByRole('button', { name: 'Dark theme' }).filter({ visible: true }).click();
	equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark', 'the theme');
	await accessible(page, 'Home in dark');
});

await finish();
