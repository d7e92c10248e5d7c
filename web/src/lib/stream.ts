/**
 * A server-sent event stream that comes back: it resumes with Last-Event-ID, notices a connection that
 * went silent (the daemon sends a comment every 15 s), and backs off while the daemon is away.
 *
 * EventSource shows neither the status of a refusal nor the heartbeats, so the stream is read by fetch.
 */

export interface StreamEvent {
	id: string;
	type: string;
	data: unknown;
}

export type StreamState = 'connecting' | 'live' | 'away' | 'refused';

export interface StreamOptions {
	url: string;
	onEvent(event: StreamEvent): void;
	onState?(state: StreamState, status?: number): void;
	/** Resume after this event. */
	lastId?: string;
	fetch?: typeof fetch;
	silenceMs?: number;
	random?: () => number;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const SILENCE_MS = 40_000;

/** Bytes to events, by the rules of the HTML standard (9.2.6), of which the daemon uses a part. */
export class StreamParser {
	#rest = '';
	#id = '';
	#type = '';
	#data: string[] = [];
	#decoder = new TextDecoder();

	push(chunk: Uint8Array, emit: (event: { id: string; type: string; data: string }) => void): void {
		const text = this.#rest + this.#decoder.decode(chunk, { stream: true });
		const lines = text.split(/\r\n|\n|\r(?!$)/);
		this.#rest = lines.pop() ?? '';
		for (const line of lines) this.#line(line, emit);
	}

	#line(line: string, emit: (event: { id: string; type: string; data: string }) => void): void {
		if (line === '') {
			if (this.#data.length > 0) emit({ id: this.#id, type: this.#type || 'message', data: this.#data.join('\n') });
			this.#type = '';
			this.#data = [];
			return;
		}
		if (line.startsWith(':')) return;
		const colon = line.indexOf(':');
		const field = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
		if (field === 'id' && !value.includes('\0')) this.#id = value;
		else if (field === 'event') this.#type = value;
		else if (field === 'data') this.#data.push(value);
	}
}

export class Stream {
	#options: Required<Pick<StreamOptions, 'fetch' | 'silenceMs' | 'random'>> & StreamOptions;
	#abort: AbortController | null = null;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#failures = 0;
	#lastId: string;
	#isOpen = true;

	constructor(options: StreamOptions) {
		this.#options = { fetch: (...args) => fetch(...args), silenceMs: SILENCE_MS, random: Math.random, ...options };
		this.#lastId = options.lastId ?? '';
		void this.#connect();
	}

	get lastId(): string {
		return this.#lastId;
	}

	close(): void {
		this.#isOpen = false;
		clearTimeout(this.#timer);
		this.#abort?.abort();
	}

	/** Do not wait any longer: the network is back, or the page is looked at again. */
	retryNow(): void {
		if (!this.#isOpen || this.#abort) return;
		clearTimeout(this.#timer);
		void this.#connect();
	}

	async #connect(): Promise<void> {
		const abort = new AbortController();
		this.#abort = abort;
		this.#say('connecting');
		try {
			const headers: Record<string, string> = { accept: 'text/event-stream' };
			if (this.#lastId) headers['last-event-id'] = this.#lastId;
			const response = await this.#options.fetch(this.#options.url, {
				headers,
				credentials: 'same-origin',
				cache: 'no-store',
				signal: abort.signal,
			});
			if (response.status === 401 || response.status === 403) {
				this.#abort = null;
				this.#isOpen = false;
				this.#say('refused', response.status);
				return;
			}
			if (response.ok && response.body) {
				this.#say('live');
				await this.#read(response.body, abort);
			}
		} catch {
			// Cut, silent or unreachable: all the same, it is tried again.
		}
		this.#abort = null;
		this.#again();
	}

	async #read(body: ReadableStream<Uint8Array>, abort: AbortController): Promise<void> {
		const parser = new StreamParser();
		const reader = body.getReader();
		let watch: ReturnType<typeof setTimeout> | undefined;
		const heard = () => {
			clearTimeout(watch);
			watch = setTimeout(() => abort.abort(), this.#options.silenceMs);
		};
		heard();
		try {
			for (;;) {
				const { done, value } = await reader.read();
				if (done) return;
				heard();
				this.#failures = 0;
				parser.push(value, (event) => this.#take(event));
			}
		} finally {
			clearTimeout(watch);
		}
	}

	#take(event: { id: string; type: string; data: string }): void {
		if (event.id) this.#lastId = event.id;
		let data: unknown;
		try {
			data = JSON.parse(event.data);
		} catch {
			return; // not one of ours
		}
		this.#options.onEvent({ id: event.id, type: event.type, data });
	}

	#again(): void {
		if (!this.#isOpen) return;
		this.#say('away');
		const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures++);
		this.#timer = setTimeout(() => void this.#connect(), longest * (0.5 + this.#options.random() / 2));
	}

	#say(state: StreamState, status?: number): void {
		this.#options.onState?.(state, status);
	}
}
