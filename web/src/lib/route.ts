/** Addresses, taken apart and put together. */

export interface Place<Name extends string = string> {
	name: Name;
	params: Record<string, string>;
}

/** Patterns like "/runs/{id}"; "{path...}" at the end takes all the rest. */
export type Patterns<Name extends string> = readonly (readonly [string, Name])[];

export function match<Name extends string>(patterns: Patterns<Name>, pathname: string): Place<Name> | null {
	const segments = pathname.split('/').filter((segment) => segment !== '');
	for (const [pattern, name] of patterns) {
		const params = matchOne(pattern.split('/').filter((part) => part !== ''), segments);
		if (params) return { name, params };
	}
	return null;
}

function matchOne(pattern: string[], segments: string[]): Record<string, string> | null {
	const params: Record<string, string> = {};
	for (const [i, part] of pattern.entries()) {
		const rest = /^\{(\w+)\.\.\.\}$/.exec(part);
		if (rest?.[1]) {
			const value = decode(segments.slice(i).join('/'));
			if (value === null) return null;
			params[rest[1]] = value;
			return params;
		}
		const segment = segments[i];
		if (segment === undefined) return null;
		const name = /^\{(\w+)\}$/.exec(part)?.[1];
		if (!name) {
			if (part !== segment) return null;
			continue;
		}
		const value = decode(segment);
		if (value === null) return null;
		params[name] = value;
	}
	return pattern.length === segments.length ? params : null;
}

function decode(segment: string): string | null {
	try {
		return decodeURIComponent(segment);
	} catch {
		return null; // "%zz": no address of ours
	}
}

/** path`/stacks/${name}`: what is put in is encoded. */
export function path(parts: TemplateStringsArray, ...values: (string | number)[]): string {
	return parts.reduce((made, part, i) => made + part + (i < values.length ? encodeURIComponent(values[i]!) : ''), '');
}

export type QueryChange = Record<string, string | number | boolean | null | undefined>;

/** The query with some values changed; null, undefined, false and "" take one away. */
export function withQuery(query: URLSearchParams, change: QueryChange): string {
	const next = new URLSearchParams(query);
	for (const [key, value] of Object.entries(change)) {
		if (value === null || value === undefined || value === '' || value === false) next.delete(key);
		else next.set(key, String(value));
	}
	const text = next.toString();
	return text ? `?${text}` : '';
}
