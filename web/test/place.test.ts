import { describe, expect, it } from 'vitest';
import { emptyForm, placeOf, suggestPassphrase } from '../src/lib/place';

describe('placeOf', () => {
	const s3 = { ...emptyForm(), kind: 's3' as const, endpoint: 's3.example.org/', bucket: 'b', accessKey: 'k', secretKey: 's' };

	it('takes absolute folders only', () => {
		expect(placeOf({ ...emptyForm(), folder: ' /srv/backup/ ' })).toEqual({ address: '/srv/backup' });
		for (const folder of ['', 'srv', '/', './a', '//']) expect(placeOf({ ...emptyForm(), folder })).toBeNull();
	});

	it('puts an address of S3 together', () => {
		expect(placeOf(s3)).toEqual({ address: 's3:https://s3.example.org/b', s3_keys: { access_key: 'k', secret_key: 's' } });
		expect(placeOf({ ...s3, endpoint: 'http://127.0.0.1:9000', prefix: '/a/b/' })?.address).toBe('s3:http://127.0.0.1:9000/b/a/b');
		expect(placeOf({ ...s3, isHostKeys: true, accessKey: '' })).toEqual({ address: 's3:https://s3.example.org/b' });
	});

	it('waits until all is there', () => {
		for (const missing of ['endpoint', 'bucket', 'accessKey', 'secretKey'] as const) expect(placeOf({ ...s3, [missing]: ' ' })).toBeNull();
		expect(placeOf({ ...s3, secretKey: 'copied with\ta label' })).toBeNull();
		expect(placeOf({ ...s3, secretKey: ' s ' })?.s3_keys?.secret_key).toBe('s');
	});
});

describe('suggestPassphrase', () => {
	it('is long, and different each time', () => {
		const first = suggestPassphrase();
		expect(first).toMatch(/^([a-hjkmnp-z2-9]{5}-){4}[a-hjkmnp-z2-9]{5}$/);
		expect(suggestPassphrase()).not.toBe(first);
	});

	it('favours no letter', () => {
		const counts = new Map<string, number>();
		let state = 1;
		const byte = () => (state = (state * 48271) % 0x7fffffff) >> 8 & 255;
		for (let i = 0; i < 400; i++)
			for (const letter of suggestPassphrase((n) => Uint8Array.from({ length: n }, byte)).replaceAll('-', ''))
				counts.set(letter, (counts.get(letter) ?? 0) + 1);
		expect(counts.size).toBe(31);
		expect(Math.max(...counts.values()) / Math.min(...counts.values())).toBeLessThan(1.4);
	});
});
