import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const source = (folder: string) => fileURLToPath(new URL(`./src/${folder}`, import.meta.url));

// The page's policy is strict: nothing inline, nothing from elsewhere, no data addresses.
export default defineConfig({
	plugins: [svelte()],
	resolve: { alias: { $lib: source('lib'), $design: source('design') } },
	build: {
		target: 'es2022',
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		manifest: 'manifest.json',
		reportCompressedSize: false,
	},
	// `npm run dev` shows the page from its sources, with a daemon's answers.
	server: { proxy: { '/api': process.env.STACKSNAP_DAEMON ?? 'http://127.0.0.1:8080' } },
	test: { include: ['test/**/*.test.ts'], environment: 'node' },
});
