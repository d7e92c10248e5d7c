// After vite: compressed copies beside the files, and the limit of what the first visit loads.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const LIMIT = 150_000;
const dist = new URL('../dist/', import.meta.url).pathname;

function filesIn(folder) {
	return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
		entry.isDirectory() ? filesIn(join(folder, entry.name)) : [join(folder, entry.name)],
	);
}

// All that the given entries need at once: themselves, what they import, and their styles.
function closure(manifest, keys) {
	const seen = new Set();
	const files = new Set();
	const visit = (key) => {
		if (seen.has(key)) return;
		seen.add(key);
		const chunk = manifest[key];
		if (!chunk) throw new Error(`the manifest does not know ${key}`);
		files.add(chunk.file);
		for (const css of chunk.css ?? []) files.add(css);
		for (const other of chunk.imports ?? []) visit(other);
	};
	keys.forEach(visit);
	return files;
}

const manifest = JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8'));
rmSync(join(dist, 'manifest.json'));
const compressed = new Map();
for (const path of filesIn(dist)) {
	if (!/\.(html|js|css|svg)$/.test(path)) continue;
	const bytes = gzipSync(readFileSync(path), { level: 9 });
	writeFileSync(`${path}.gz`, bytes);
	compressed.set(path.slice(dist.length), bytes.length);
}

const first = closure(manifest, ['index.html', 'src/pages/Home.svelte']);
for (const always of ['index.html', 'theme.js', 'favicon.svg']) first.add(always);
const total = [...first].reduce((sum, file) => sum + (compressed.get(file) ?? 0), 0);
const all = [...compressed.values()].reduce((sum, bytes) => sum + bytes, 0);
console.log(`first load ${(total / 1000).toFixed(1)} kB of ${LIMIT / 1000} kB, all ${(all / 1000).toFixed(1)} kB, compressed`);
if (total > LIMIT) {
	for (const file of first) console.error(`  ${file} ${compressed.get(file)}`);
	console.error(`the first load is above its limit of ${LIMIT} bytes`);
	process.exit(1);
}
