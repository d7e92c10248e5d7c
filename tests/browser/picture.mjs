// Pictures for the documentation, made by the tests: SCREENSHOTS=1 tests/browser/run
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const folder = new URL('../../docs/screenshots/', import.meta.url).pathname;
const LIMIT = 150_000;

export async function picture(page, name) {
	if (!process.env.SCREENSHOTS) return;
	mkdirSync(folder, { recursive: true });
	const path = join(folder, `${name}.png`);
	await page.screenshot({ path });
	const { size } = statSync(path);
	if (size >= LIMIT) throw new Error(`${path} has ${size} bytes, ${LIMIT} are the limit`);
}
