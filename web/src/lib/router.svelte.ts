/** Real addresses: every view has its own, the browser's back and forward work, links are links. */

import { withQuery, type QueryChange } from './route';

export { match, path, withQuery, type Patterns, type Place } from './route';

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
