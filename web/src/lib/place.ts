/** Where a repository is kept, as people fill it in, and as the API wants it. */
import type { Schemas } from './types';

type Place = Schemas['Place'];

export interface PlaceForm {
	kind: 'folder' | 's3';
	folder: string;
	/** "https://s3.example.org": the host alone will do. */
	endpoint: string;
	bucket: string;
	prefix: string;
	/** As the host is configured: environment, profile, instance metadata. */
	isHostKeys: boolean;
	accessKey: string;
	secretKey: string;
}

export function emptyForm(): PlaceForm {
	return {
		kind: 'folder',
		folder: '/srv/stacksnap',
		endpoint: '',
		bucket: '',
		prefix: '',
		isHostKeys: false,
		accessKey: '',
		secretKey: '',
	};
}

/** No key of a server has one: something was copied along with it. */
export function hasBlank(key: string): boolean {
	return /\s/.test(key.trim());
}

/** Null as long as something is missing. */
export function placeOf(form: PlaceForm): Place | null {
	if (form.kind === 'folder') {
		const folder = form.folder.trim();
		return /^\/[^/]/.test(folder) ? { address: folder.replace(/\/+$/, '') } : null;
	}
	const endpoint = form.endpoint.trim().replace(/\/+$/, '');
	const bucket = form.bucket.trim();
	if (!endpoint || !bucket) return null;
	const host = /^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`;
	const prefix = form.prefix.trim().replace(/^\/+|\/+$/g, '');
	const address = `s3:${[host, bucket, ...(prefix ? [prefix] : [])].join('/')}`;
	if (form.isHostKeys) return { address };
	const access_key = form.accessKey.trim();
	const secret_key = form.secretKey.trim();
	return access_key && secret_key && !hasBlank(access_key) && !hasBlank(secret_key) ? { address, s3_keys: { access_key, secret_key } } : null;
}

/** Letters that cannot be taken for each other. */
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';

/** Twenty-five letters in groups: 123 bits. */
export function suggestPassphrase(random: (n: number) => Uint8Array = randomBytes): string {
	const letters: string[] = [];
	while (letters.length < 25)
		// Bytes that would favour some letters are passed over.
		for (const byte of random(64)) if (byte < 248 && letters.length < 25) letters.push(LETTERS[byte % 31]!);
	return letters.join('').replace(/(.{5})(?=.)/g, '$1-');
}

function randomBytes(n: number): Uint8Array {
	return crypto.getRandomValues(new Uint8Array(n));
}
