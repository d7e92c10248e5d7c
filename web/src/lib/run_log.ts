/** A run's log as it grows: read by the place in it, so that nothing is missed, and nothing is there twice. */
import type { RunEvent, Schemas } from './types';

type Page = Schemas['EventList'];

export interface LogLine extends RunEvent {
	/** Its place among the lines that are shown. */
	n: number;
}

/** More lines than this nobody reads in a browser; the beginning goes. */
const KEEP = 5000;
const PAGE = 1000;

export class RunLog {
	lines: LogLine[] = [];
	/** Lines at the beginning that were let go. */
	dropped = 0;
	progress: RunEvent | undefined;
	isEnd = false;
	#next = 0;
	#made = 0;
	#isReading = false;
	#isWanted = false;

	constructor(private readonly read: (from: number, limit: number) => Promise<Page>) {}

	/** Read what is new. Calls while it reads are answered by one more round. Throws what read throws. */
	async catchUp(): Promise<void> {
		this.#isWanted = true;
		if (this.#isReading) return;
		this.#isReading = true;
		try {
			while (this.#isWanted && !this.isEnd) {
				this.#isWanted = false;
				await this.#readAll();
			}
		} finally {
			this.#isReading = false;
		}
	}

	async #readAll(): Promise<void> {
		for (;;) {
			const page = await this.read(this.#next, PAGE);
			const isNew = page.next > this.#next;
			this.#next = page.next;
			this.#add(page.events);
			this.isEnd = page.is_end;
			if (!isNew || page.is_end || page.events.length < PAGE) return;
		}
	}

	#add(events: readonly RunEvent[]): void {
		const lines: LogLine[] = [];
		for (const event of events) {
			if (event.type === 'progress') this.progress = event;
			else lines.push({ ...event, n: this.#made++ });
			if (event.type === 'phase') this.progress = undefined;
		}
		if (lines.length === 0) return;
		const all = [...this.lines, ...lines];
		this.dropped += Math.max(0, all.length - KEEP);
		this.lines = all.slice(-KEEP);
	}
}
