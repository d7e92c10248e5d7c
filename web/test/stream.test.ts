import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Stream, StreamParser, type StreamEvent, type StreamState } from '../src/lib/stream';

const encode = (text: string) => new TextEncoder().encode(text);

describe('StreamParser', () => {
	const parse = (...chunks: (string | Uint8Array)[]) => {
		const parser = new StreamParser();
		const found: { id: string; type: string; data: string }[] = [];
		for (const chunk of chunks) parser.push(typeof chunk === 'string' ? encode(chunk) : chunk, (event) => found.push(event));
		return found;
	};

	it('reads events, and passes over comments', () => {
		expect(parse(': hello\n\nid: 7\nevent: run\ndata: {"a":1}\n\n')).toEqual([{ id: '7', type: 'run', data: '{"a":1}' }]);
	});

	it('joins lines of data, and knows all line ends', () => {
		expect(parse('data: a\r\ndata:b\r\rdata: c\n\n')).toEqual([
			{ id: '', type: 'message', data: 'a\nb' },
			{ id: '', type: 'message', data: 'c' },
		]);
	});

	it('does not mind where it is cut, not even within a letter', () => {
		const whole = encode('id: 1\nevent: log\ndata: "grün"\n\nid: 2\r\ndata: x\r\n\r\n');
		for (let cut = 1; cut < whole.length; cut++)
			expect(parse(whole.slice(0, cut), whole.slice(cut))).toEqual([
				{ id: '1', type: 'log', data: '"grün"' },
				{ id: '2', type: 'message', data: 'x' },
			]);
	});

	it('gives nothing of an event that was cut off, or has no data', () => {
		expect(parse('id: 1\ndata: x\n')).toEqual([]);
		expect(parse('event: run\n\ndata: y\n\n')).toEqual([{ id: '', type: 'message', data: 'y' }]);
	});
});

/** A daemon that is told what to do, connection by connection. */
class Daemon {
	asked: Record<string, string>[] = [];
	#body: ReadableStreamDefaultController<Uint8Array> | null = null;
	next: 'open' | 'refuse' | 'away' | 'busy' = 'open';

	fetch = ((_url: string, init: RequestInit) => {
		this.asked.push(init.headers as Record<string, string>);
		if (this.next === 'away') return Promise.reject(new TypeError('Failed to fetch'));
		if (this.next === 'refuse') return Promise.resolve(new Response(null, { status: 401 }));
		if (this.next === 'busy') return Promise.resolve(new Response(null, { status: 503 }));
		const body = new ReadableStream<Uint8Array>({ start: (controller) => void (this.#body = controller) });
		init.signal?.addEventListener('abort', () => this.#body?.error(new DOMException('aborted', 'AbortError')));
		return Promise.resolve(new Response(body, { status: 200 }));
	}) as typeof fetch;

	say(text: string): void {
		this.#body?.enqueue(encode(text));
	}

	hangUp(): void {
		this.#body?.close();
	}
}

describe('Stream', () => {
	let daemon: Daemon;
	let stream: Stream | undefined;
	let heard: StreamEvent[];
	let states: StreamState[];

	beforeEach(() => {
		vi.useFakeTimers();
		daemon = new Daemon();
		heard = [];
		states = [];
	});
	afterEach(() => {
		stream?.close();
		vi.useRealTimers();
	});

	const open = (options = {}) => {
		stream = new Stream({
			url: '/api/v1/events',
			fetch: daemon.fetch,
			random: () => 1,
			onEvent: (event) => heard.push(event),
			onState: (state) => states.push(state),
			...options,
		});
	};
	const settle = () => vi.advanceTimersByTimeAsync(0);

	it('hears events and passes over what is no JSON', async () => {
		open();
		await settle();
		daemon.say('id: 1\nevent: run\ndata: {"run":{"id":3}}\n\nid: 2\ndata: no json\n\n');
		await settle();
		expect(heard).toEqual([{ id: '1', type: 'run', data: { run: { id: 3 } } }]);
		expect(stream!.lastId).toBe('2');
		expect(states).toEqual(['connecting', 'live']);
	});

	it('resumes after the last event that it heard', async () => {
		open();
		await settle();
		expect(daemon.asked[0]).not.toHaveProperty('last-event-id');
		daemon.say('id: 41\ndata: {}\n\n');
		await settle();
		daemon.hangUp();
		await vi.advanceTimersByTimeAsync(500);
		expect(daemon.asked).toHaveLength(2);
		expect(daemon.asked[1]).toMatchObject({ 'last-event-id': '41' });
		expect(states).toEqual(['connecting', 'live', 'away', 'connecting', 'live']);
	});

	it('backs off while the daemon is away, up to a limit, and begins anew when it is back', async () => {
		daemon.next = 'away';
		open();
		const waits: number[] = [];
		let seen = 1;
		await settle();
		for (let ms = 0; waits.length < 8; ms += 100) {
			await vi.advanceTimersByTimeAsync(100);
			if (daemon.asked.length === seen) continue;
			seen = daemon.asked.length;
			waits.push(ms + 100);
			ms = -100;
		}
		expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);

		daemon.next = 'open';
		await vi.advanceTimersByTimeAsync(15_000);
		daemon.say(': still here\n\n');
		await settle();
		daemon.hangUp();
		await settle();
		const before = daemon.asked.length;
		await vi.advanceTimersByTimeAsync(500);
		expect(daemon.asked).toHaveLength(before + 1);
	});

	it('tries again after an answer that is none', async () => {
		daemon.next = 'busy';
		open();
		await settle();
		expect(states).toEqual(['connecting', 'away']);
		daemon.next = 'open';
		await vi.advanceTimersByTimeAsync(500);
		expect(states.at(-1)).toBe('live');
	});

	it('takes silence for a cut; heartbeats are no silence', async () => {
		open({ silenceMs: 40_000 });
		await settle();
		for (let i = 0; i < 6; i++) {
			await vi.advanceTimersByTimeAsync(15_000);
			daemon.say(': heartbeat\n\n');
		}
		await settle();
		expect(daemon.asked).toHaveLength(1);
		await vi.advanceTimersByTimeAsync(40_000);
		expect(states.at(-1)).toBe('away');
		await vi.advanceTimersByTimeAsync(500);
		expect(daemon.asked).toHaveLength(2);
	});

	it('stops where it is not wanted', async () => {
		daemon.next = 'refuse';
		open();
		await vi.advanceTimersByTimeAsync(60_000);
		expect(daemon.asked).toHaveLength(1);
		expect(states).toEqual(['connecting', 'refused']);
	});

	it('does not wait when it is told that the network is back', async () => {
		daemon.next = 'away';
		open();
		await vi.advanceTimersByTimeAsync(20_000);
		const before = daemon.asked.length;
		daemon.next = 'open';
		stream!.retryNow();
		await settle();
		expect(daemon.asked).toHaveLength(before + 1);
		stream!.retryNow();
		expect(daemon.asked).toHaveLength(before + 1);
	});

	it('says nothing after it was closed', async () => {
		open();
		await settle();
		stream!.close();
		await vi.advanceTimersByTimeAsync(60_000);
		expect(daemon.asked).toHaveLength(1);
		expect(states).toEqual(['connecting', 'live']);
	});
});
