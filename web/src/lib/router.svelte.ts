/** Real addresses: every view has its own, the browser's back and forward work, links are links. */

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

type QueryChange = Record<string, string | number | boolean | null | undefined>;

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

class Router {
	pathname = $state(location.pathname);
	search = $state(location.search);
	/** Counts arrivals by navigation, so that the shell can move the focus and say the title. */
	arrivals = $state(0);
	query = $derived(new URLSearchParams(this.search));

	constructor() {
		addEventListener('popstate', () => this.#read());
		document.addEventListener('click', (event) => this.#click(event));
	}

	go(to: string, options: { replace?: boolean } = {}): void {
		const before = this.pathname;
		if (options.replace) history.replaceState(null, '', to);
		else history.pushState(null, '', to);
		this.#read();
		if (this.pathname !== before) scrollTo(0, 0);
	}

	/** Change the query in place: filters and chosen tabs belong into the address. */
	setQuery(change: QueryChange, options: { push?: boolean } = {}): void {
		this.go(this.pathname + withQuery(this.query, change), { replace: !options.push });
	}

	#read(): void {
		if (location.pathname !== this.pathname) this.arrivals++;
		this.pathname = location.pathname;
		this.search = location.search;
	}

	#click(event: MouseEvent): void {
		if (event.defaultPrevented || event.button !== 0) return;
		if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
		const link = (event.target as Element | null)?.closest?.('a[href]') as HTMLAnchorElement | null;
		if (!link || link.target || link.hasAttribute('download')) return;
		if (link.origin !== location.origin || link.pathname.startsWith('/api/')) return;
		if (link.hash && link.pathname === location.pathname) return;
		event.preventDefault();
		this.go(link.pathname + link.search + link.hash);
	}
}

export const router = new Router();
