// Onboarding onto a bucket, with a real S3 server: what is wrong is told while it is typed, and the first backup lands there.
import { accessible, Daemon, dependent, expect, finish, given, open, passphrase, password, stack, test, user } from './harness.mjs';
import { S3Server } from './s3.mjs';

dependent();
let daemon;
let page;
let s3;
const goOn = () => page.getByRole('button', { name: 'Go on', exact: true }).click();
const title = (text, timeout = 15_000) => page.getByRole('heading', { level: 1, name: text }).waitFor({ timeout });
const keep = () => page.getByRole('button', { name: 'Keep them here' });
const step = (name, verdict) => page.getByRole('listitem').filter({ has: page.getByText(name, { exact: true }) }).getByLabel(verdict);

/** What the page says when the test of the place has failed; it cannot be chosen. */
async function told(pattern) {
	const notice = page.getByRole('alert').filter({ hasText: 'It would not do yet' }).filter({ hasText: pattern });
	await notice.waitFor({ timeout: 30_000 });
	expect(await keep().isDisabled(), 'it cannot be chosen');
}

await given('an S3 server and the daemon run, and the page asks where backups shall be', async () => {
	s3 = await S3Server.start();
	daemon = await Daemon.start('bucket');
	page = await open(`${daemon.url}/#token=${daemon.token}`);
	await page.getByLabel('Your name', { exact: true }).fill(user);
	await page.getByLabel('Password', { exact: true }).fill(password);
	await page.getByLabel('Once more', { exact: true }).fill(password);
	await goOn();
	await title('Where shall backups be kept?');
	await page.getByText('A bucket of S3').click();
});

await test('a bucket that is not there is told while it is typed', async () => {
	await page.getByLabel('Server', { exact: true }).fill(s3.url);
	await page.getByLabel('Bucket', { exact: true }).fill('nobody-has-this');
	await page.getByLabel('Folder in it', { exact: true }).fill('backups');
	await page.getByLabel('Access key', { exact: true }).fill(s3.accessKey);
	await page.getByLabel('Secret key', { exact: true }).fill(s3.secretKey);
	await told(/nobody-has-this|bucket/i);
	await accessible(page, 'a bucket that is not there');
});

await test('a wrong key is told, and is no other failure', async () => {
	await page.getByLabel('Bucket', { exact: true }).fill(s3.bucket);
	await page.getByLabel('Secret key', { exact: true }).fill('not-the-secret');
	await told(/key|signature|credential/i);
	await page.getByLabel('Access key', { exact: true }).fill('AKNOBODY');
	await told(/key/i);
});

await test('a right that is missing is named, with a policy that gives it', async () => {
	await s3.refuse([{ method: 'DELETE', do: 'status', status: 403, code: 'AccessDenied', times: 0 }]);
	await page.getByLabel('Access key', { exact: true }).fill(s3.accessKey);
	await page.getByLabel('Secret key', { exact: true }).fill(s3.secretKey);
	await step('Remove', 'fails').waitFor({ timeout: 30_000 });
	expect(await keep().isDisabled(), 'it cannot be chosen');
	await page.getByText('s3:DeleteObject', { exact: true }).waitFor();
	await page.getByText('A policy that allows what is missing').click();
	expect((await page.locator('pre').innerText()).includes(`arn:aws:s3:::${s3.bucket}/backups`), 'the policy is for this bucket and folder');
	await s3.refuse([]);
	await accessible(page, 'a right that is missing');
});

await test('a bucket that would do is tried step by step, and chosen', async () => {
	// What has changed at the server is tried again when something is typed.
	await page.getByLabel('Folder in it', { exact: true }).fill('stacksnap');
	await step('Remove', 'works').waitFor({ timeout: 30_000 });
	for (const name of ['Connect', 'List', 'Write', 'Read', 'Read a part']) expect(await step(name, 'works').isVisible(), `${name} works`);
	await accessible(page, 'a bucket that would do');
	await keep().click();
	await title('Choose a passphrase');
	await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
	await page.getByLabel('Once more', { exact: true }).fill(passphrase);
	await page.getByRole('button', { name: 'Make the repository' }).click();
	await title('The recovery kit');
	expect((await s3.asked()).some((one) => one.startsWith(`PUT /${s3.bucket}/stacksnap/config`)), 'the repository is in the bucket');
});

await test('the recovery kit has the address, and no key of the server', async () => {
	await page.getByRole('button', { name: 'Make the recovery kit' }).click();
	await page.getByText('recovery key begins').waitFor();
	const kit = await page.locator('main').innerText();
	expect(kit.includes(`s3:${s3.url}/${s3.bucket}/stacksnap`), `the kit has the address: ${kit}`);
	expect(!(await page.content()).includes(s3.accessKey), 'the kit has no key of the server');
	const saving = page.waitForEvent('download');
	await page.getByRole('button', { name: 'Save it' }).click();
	await saving;
	await goOn();
	await title(/found$/);
});

await test('the first backup lands in the bucket, and the page reads it from there', async () => {
	await page.getByLabel(stack).check();
	await page.getByRole('button', { name: `Back up ${stack}` }).click();
	await title(`${stack} is backed up`, 90_000);
	expect((await s3.asked()).some((one) => one.startsWith(`PUT /${s3.bucket}/stacksnap/snapshots/`)), 'the snapshot is in the bucket');
	await page.goto(`${daemon.url}/settings/repository`);
	await page.getByText(`s3:${s3.url}/${s3.bucket}/stacksnap`).waitFor();
	await page.goto(`${daemon.url}/snapshots`);
	await page.getByRole('row', { name: new RegExp(stack) }).getByRole('link').first().click();
	await page.getByText('What is in it').waitFor();
	await page.getByRole('link', { name: 'Files', exact: true }).click();
	await page.getByRole('treeitem').first().waitFor();
	expect(!(await page.content()).includes(s3.secretKey) && !daemon.printed().includes(s3.secretKey), 'the secret is nowhere');
});

await finish();
