import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { address, Api } from '../src/lib/api';
import { Problem } from '../src/lib/problem';

function answer(status: number, body: unknown, type = 'application/json'): Response {
	return new Response(body === undefined ? null : JSON.stringify(body), { status, headers: { 'content-type': type } });
}

describe('address', () => {
	it('fills in and encodes', () => {
		expect(address('/stacks/{name}', { path: { name: 'a/b' } })).toBe('/api/v1/stacks/a%2Fb');
		expect(address('/runs', { query: { kind: 'backup', stack: undefined, before: 0, limit: '' } })).toBe(
			'/api/v1/runs?kind=backup&before=0',
		);
	});

	it('asks for what is missing', () => {
		expect(() => address('/stacks/{name}', {})).toThrow('needs name');
	});
});

describe('calls', () => {
	const fetched = vi.fn<typeof fetch>();
	const hooks = { csrf: () => 'c'.repeat(64), onSessionOver: vi.fn(), onReach: vi.fn() };
	let api: Api;

	beforeEach(() => {
		vi.stubGlobal('fetch', fetched);
		api = new Api();
		api.use(hooks);
	});
	afterEach(() => {
		vi.unstubAllGlobals();
		vi.clearAllMocks();
		fetched.mockReset();
	});

	const sent = () => fetched.mock.calls[0]![1]!;
	const failure = async (call: Promise<unknown>) => {
		const thrown = await call.then(
			() => null,
			(error: unknown) => error,
		);
		expect(thrown).toBeInstanceOf(Problem);
		return thrown as Problem;
	};

	it('gives the body', async () => {
		fetched.mockResolvedValue(answer(200, { runs: [] }));
		await expect(api.get('/runs')).resolves.toEqual({ runs: [] });
		expect(sent().method).toBe('GET');
		expect(sent().headers).not.toHaveProperty('x-csrf-token');
		expect(hooks.onReach).toHaveBeenCalledWith(true);
	});

	it('sends the session\'s token with changes', async () => {
		fetched.mockResolvedValue(answer(202, { run: 7 }));
		await expect(api.post('/stacks/{name}/backup', { path: { name: 'shop' }, body: {} })).resolves.toEqual({ run: 7 });
		expect(sent().headers).toMatchObject({ 'x-csrf-token': 'c'.repeat(64), 'content-type': 'application/json' });
		expect(sent().body).toBe('{}');
	});

	it('gives nothing where there is nothing', async () => {
		fetched.mockResolvedValue(new Response(null, { status: 204 }));
		await expect(api.delete('/tokens/{id}', { path: { id: 1 } })).resolves.toBeUndefined();
	});

	it('throws the daemon\'s own words', async () => {
		fetched.mockResolvedValue(
			answer(409, { title: 'Busy', detail: 'stack shop: run 7 is at work', code: 'locked', status: 409 }, 'application/problem+json'),
		);
		const problem = await failure(api.post('/recover'));
		expect(problem).toMatchObject({ status: 409, title: 'Busy', detail: 'stack shop: run 7 is at work', code: 'locked' });
		expect(hooks.onSessionOver).not.toHaveBeenCalled();
	});

	it('makes a problem of what is none', async () => {
		fetched.mockResolvedValue(new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'content-type': 'text/html' } }));
		expect((await failure(api.get('/runs'))).title).toContain('502');
		fetched.mockResolvedValue(new Response('{"title":', { status: 500, headers: { 'content-type': 'application/json' } }));
		expect((await failure(api.get('/runs'))).status).toBe(500);
	});

	it('tells when the session is over, but not of a wrong password', async () => {
		const body = { title: 'Log in', detail: '', code: 'unauthenticated', status: 401 };
		fetched.mockResolvedValue(answer(401, body, 'application/problem+json'));
		await failure(api.get('/runs'));
		expect(hooks.onSessionOver).toHaveBeenCalledTimes(1);
		fetched.mockResolvedValue(answer(401, body, 'application/problem+json'));
		await failure(api.post('/login', { body: { name: 'a', password: 'b' } }));
		expect(hooks.onSessionOver).toHaveBeenCalledTimes(1);
	});

	it('tells a daemon that is away from a request that was given up', async () => {
		fetched.mockRejectedValue(new TypeError('Failed to fetch'));
		expect((await failure(api.get('/runs'))).isOffline).toBe(true);
		expect(hooks.onReach).toHaveBeenLastCalledWith(false);

		hooks.onReach.mockClear();
		const abort = new AbortController();
		abort.abort();
		fetched.mockRejectedValue(new DOMException('aborted', 'AbortError'));
		await expect(api.get('/runs', { signal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
		expect(hooks.onReach).not.toHaveBeenCalled();
	});
});
