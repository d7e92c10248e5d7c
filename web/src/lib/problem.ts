/** What the daemon says when it cannot do something (RFC 9457), as an error that can be shown. */

export class Problem extends Error {
	override name = 'Problem';

	constructor(
		readonly status: number,
		readonly title: string,
		readonly detail: string,
		/** The engine's word for it: "not_found", "denied", "wrong_key", ...; "offline" is the page's own. */
		readonly code: string,
	) {
		super(detail || title);
	}

	get isOffline(): boolean {
		return this.code === 'offline';
	}

	get isSessionOver(): boolean {
		return this.status === 401;
	}
}

export function offline(): Problem {
	return new Problem(0, 'StackSnap does not answer', 'The daemon cannot be reached. Trying again.', 'offline');
}

/** From an answer that is no success. */
export async function problemFrom(response: Response): Promise<Problem> {
	const fallback = new Problem(
		response.status,
		`The request failed (${response.status})`,
		'',
		response.status === 404 ? 'not_found' : 'io',
	);
	if (!/\bjson\b/.test(response.headers.get('content-type') ?? '')) return fallback;
	try {
		const body = (await response.json()) as Record<string, unknown>;
		return new Problem(
			response.status,
			text(body.title) || fallback.title,
			text(body.detail),
			text(body.code) || fallback.code,
		);
	} catch {
		return fallback;
	}
}

function text(value: unknown): string {
	return typeof value === 'string' ? value : '';
}

/** Anything thrown, as a problem. */
export function asProblem(thrown: unknown): Problem {
	if (thrown instanceof Problem) return thrown;
	if (thrown instanceof Error) return new Problem(0, 'Something in this page went wrong', thrown.message, 'page');
	return new Problem(0, 'Something in this page went wrong', String(thrown), 'page');
}
