import type { Schemas } from '$lib/types';
import type { TreeItem } from '../tree/model';

export interface Item extends TreeItem {
	entry: Schemas['Entry'];
}

export function toItem(entry: Schemas['Entry']): Item {
	return {
		path: entry.path,
		name: entry.path.slice(entry.path.lastIndexOf('/') + 1),
		isFolder: entry.kind === 'folder',
		entry,
	};
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
	const raw = atob(text);
	const bytes = new Uint8Array(raw.length);
	for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
	return bytes;
}

export function toHex(bytes: Uint8Array): string {
	return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}
