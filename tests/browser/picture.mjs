// Pictures for the documentation, made by the tests: SCREENSHOTS=1 tests/browser/run
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const folder = new URL('../../docs/screenshots/', import.meta.url).pathname;
const LIMIT = 150_000;

/** For the pictures: other stacks of the host than these are left out of the lists. */
export function onlyNamed(...names) {
	const isNamed = (one) => !one.stack || names.includes(one.stack);
	return async (page) => {
		if (!process.env.SCREENSHOTS) return;
		for (const path of ['overview', 'stacks'])
			await page.route(`**/api/v1/${path}`, async (route) => {
				const response = await route.fetch();
				const body = await response.json();
				if (body.stacks) body.stacks = body.stacks.filter((one) => names.includes(one.name));
				if (body.attention) body.attention = body.attention.filter(isNamed);
				await route.fulfill({ response, json: body });
			});
	};
}

export async function picture(page, name) {
	if (!process.env.SCREENSHOTS) return;
	mkdirSync(folder, { recursive: true });
	const path = join(folder, `${name}.png`);
	await page.screenshot({ path });
	const { size } = statSync(path);
	if (size >= LIMIT) throw new Error(`${path} has ${size} bytes, ${LIMIT} are the limit`);
}
