/** The daemon's events, once for the whole page. Views subscribe; the shell shows the connection. */
import { Stream, type StreamEvent, type StreamState } from './stream';

type Listener = (event: StreamEvent) => void;

class Events {
	state = $state<StreamState>('connecting');
	/** Counts reconnections: what was shown before may be stale by then. */
	reconnections = $state(0);
	#stream: Stream | null = null;
	#listeners = new Set<Listener>();
	#wasAway = false;
	#onRefused: () => void = () => {};

	constructor() {
		addEventListener('online', () => this.#stream?.retryNow());
		document.addEventListener('visibilitychange', () => {
			if (!document.hidden) this.#stream?.retryNow();
		});
	}

	start(onRefused: () => void): void {
		this.#onRefused = onRefused;
		if (this.#stream) return;
		this.#stream = new Stream({
			url: '/api/v1/events',
			onEvent: (event) => this.#listeners.forEach((listener) => listener(event)),
			onState: (state, status) => this.#changed(state, status),
		});
	}

	stop(): void {
		this.#stream?.close();
		this.#stream = null;
	}

	/** Returns what ends it. */
	listen(listener: Listener): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	#changed(state: StreamState, status?: number): void {
		this.state = state;
		if (state === 'away') this.#wasAway = true;
		if (state === 'live' && this.#wasAway) {
			this.#wasAway = false;
			this.reconnections++;
		}
		if (state === 'refused') {
			this.stop();
			if (status === 401) this.#onRefused();
		}
	}
}

export const events = new Events();
