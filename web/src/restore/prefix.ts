/** How keys begin, as a person types it: text, and what is none as redis-cli shows it (\x00, \n, \\). */

export type PrefixRequest = { key_prefix: string } | { key_prefix_hex: string };

const NAMED: Record<string, number> = { n: 10, r: 13, t: 9, a: 7, b: 8, '\\': 92, '"': 34 };

/** A backslash that is followed by nothing of that kind stands for itself. */
export function prefixRequest(typed: string): PrefixRequest {
	if (!typed.includes('\\')) return { key_prefix: typed };
	const encoder = new TextEncoder();
	const bytes: number[] = [];
	for (let rest = typed; rest !== ''; ) {
		const hex = /^\\x([0-9a-f]{2})/i.exec(rest);
		const named = /^\\([nrtab\\"])/.exec(rest);
		const other = /^(?:\\|[^\\]+)/.exec(rest)?.[0] ?? rest;
		if (hex) bytes.push(parseInt(hex[1] ?? '', 16));
		else if (named) bytes.push(NAMED[named[1] ?? ''] ?? 0);
		else bytes.push(...encoder.encode(other));
		rest = rest.slice(hex ? 4 : named ? 2 : other.length);
	}
	return { key_prefix_hex: bytes.map((b) => b.toString(16).padStart(2, '0')).join('') };
}
