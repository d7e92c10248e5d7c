/** The daemon's API, typed by its OpenAPI document: api.get('/stacks/{name}', { path: { name } }). */
import type { paths } from './schema';
import { offline, problemFrom, type Problem } from './problem';

const BASE = '/api/v1';

type Method = 'get' | 'post' | 'put' | 'delete';
type PathsOf<M extends Method> = {
	[P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never;
}[keyof paths] &
	string;
type Operation<P extends keyof paths, M extends Method> = paths[P][M];

type Json<R> = R extends { content: { 'application/json': infer B } } ? B : undefined;
type Answer<O> = O extends { responses: infer R } ? { [S in keyof R]: S extends 200 | 201 | 202 | 204 ? Json<R[S]> : never }[keyof R] : never;

type PathPart<O> = O extends { parameters: { path: infer V } } ? { path: V } : { path?: undefined };
type QueryPart<O> = O extends { parameters: { query?: infer V } } ? { query?: V } : { query?: undefined };
type BodyPart<O> = O extends { requestBody: { content: { 'application/json': infer B } } }
	? { body: B }
	: O extends { requestBody?: { content: { 'application/json': infer B } } }
		? { body?: B }
		: { body?: undefined };
type Extra = { signal?: AbortSignal };
type Input<O> = PathPart<O> & QueryPart<O> & BodyPart<O> & Extra;
/** The input may be left out when nothing in it must be there. */
type Rest<O> = Record<never, never> extends Input<O> ? [input?: Input<O>] : [input: Input<O>];

export interface Hooks {
	/** The session's token against forged requests, sent with every change. */
	csrf(): string;
	/** Somebody has to log in (again). */
	onSessionOver(problem: Problem): void;
	/** The daemon answered (true), or could not be reached (false). */
	onReach(reached: boolean): void;
}

interface AnyInput {
	path?: Record<string, string | number>;
	query?: Record<string, unknown>;
	body?: unknown;
	signal?: AbortSignal;
}

/** "/stacks/{name}" with its values, and the query, below /api/v1. */
export function address(path: string, input: Pick<AnyInput, 'path' | 'query'> = {}): string {
	const filled = path.replace(/\{(\w+)\}/g, (_, key: string) => {
		const value = input.path?.[key];
		if (value === undefined) throw new Error(`${path} needs ${key}`);
		return encodeURIComponent(value);
	});
	const query = new URLSearchParams();
	for (const [key, value] of Object.entries(input.query ?? {}))
		if (value !== undefined && value !== null && value !== '') query.set(key, String(value));
	const text = query.toString();
	return BASE + filled + (text ? `?${text}` : '');
}

export class Api {
	#hooks: Hooks = { csrf: () => '', onSessionOver: () => {}, onReach: () => {} };

	use(hooks: Hooks): void {
		this.#hooks = hooks;
	}

	get<P extends PathsOf<'get'>>(path: P, ...rest: Rest<Operation<P, 'get'>>): Promise<Answer<Operation<P, 'get'>>> {
		return this.#call('GET', path, rest[0]) as Promise<Answer<Operation<P, 'get'>>>;
	}

	post<P extends PathsOf<'post'>>(path: P, ...rest: Rest<Operation<P, 'post'>>): Promise<Answer<Operation<P, 'post'>>> {
		return this.#call('POST', path, rest[0]) as Promise<Answer<Operation<P, 'post'>>>;
	}

	put<P extends PathsOf<'put'>>(path: P, ...rest: Rest<Operation<P, 'put'>>): Promise<Answer<Operation<P, 'put'>>> {
		return this.#call('PUT', path, rest[0]) as Promise<Answer<Operation<P, 'put'>>>;
	}

	delete<P extends PathsOf<'delete'>>(
		path: P,
		...rest: Rest<Operation<P, 'delete'>>
	): Promise<Answer<Operation<P, 'delete'>>> {
		return this.#call('DELETE', path, rest[0]) as Promise<Answer<Operation<P, 'delete'>>>;
	}

	/** A request that the daemon itself has proposed, whose address is complete. */
	send(method: 'POST' | 'PUT', address: string, body: unknown): Promise<unknown> {
		return this.#call(method, address, body === undefined ? {} : { body });
	}

	/** Throws a Problem: the daemon's own, "offline", or an AbortError when the signal says so. */
	async #call(method: string, path: string, input: unknown): Promise<unknown> {
		const given = (input ?? {}) as AnyInput;
		const response = await this.#fetch(address(path, given), this.#request(method, given));
		if (!response.ok) {
			const problem = await problemFrom(response);
			// A wrong password is an answer; any other 401 means that the session has ended.
			if (problem.isSessionOver && path !== '/login' && path !== '/setup') this.#hooks.onSessionOver(problem);
			throw problem;
		}
		if (response.status === 204 || !/\bjson\b/.test(response.headers.get('content-type') ?? '')) return undefined;
		return response.json();
	}

	#request(method: string, input: AnyInput): RequestInit {
		const headers: Record<string, string> = { accept: 'application/json' };
		const request: RequestInit = { method, headers, credentials: 'same-origin' };
		if (input.signal) request.signal = input.signal;
		if (method !== 'GET') headers['x-csrf-token'] = this.#hooks.csrf();
		if (input.body !== undefined) {
			headers['content-type'] = 'application/json';
			request.body = JSON.stringify(input.body);
		}
		return request;
	}

	async #fetch(url: string, request: RequestInit): Promise<Response> {
		let response: Response;
		try {
			response = await fetch(url, request);
		} catch (thrown) {
			if (request.signal?.aborted) throw thrown;
			this.#hooks.onReach(false);
			throw offline();
		}
		this.#hooks.onReach(true);
		return response;
	}
}

export const api = new Api();
