/** Sizes, times and counts as people read them. Units as on the command line: kB is 1000. */

const SIZE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const NS_PER_MS = 1_000_000;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "36 MB", "1.3 MB", "812 B": two digits that matter, three from a hundred on. */
export function bytes(value: number): string {
	let rest = Math.abs(value);
	let unit = 0;
	while (rest >= 999.5 && unit < SIZE_UNITS.length - 1) {
		rest /= 1000;
		unit++;
	}
	const text = unit > 0 && rest < 9.95 ? rest.toFixed(1) : rest.toFixed(0);
	return `${value < 0 ? '−' : ''}${text} ${SIZE_UNITS[unit]}`;
}

/** "+1.3 MB", "−20 kB", "no change". */
export function byteChange(value: number): string {
	if (value === 0) return 'no change';
	return value > 0 ? `+${bytes(value)}` : bytes(value);
}

/** Thousands apart by a narrow space that breaks no line. */
export function count(value: number): string {
	return value.toLocaleString('en-GB').replaceAll(',', '\u202f');
}

/** "1 file", "2 000 files". */
export function counted(value: number, one: string, many = `${one}s`): string {
	return `${count(value)} ${value === 1 ? one : many}`;
}

/** "108 ms", "2.9 s", "4 min 12 s", "3 h 20 min", "5 days". */
export function duration(ms: number): string {
	if (ms < 0) return `−${duration(-ms)}`;
	if (ms < 1) return ms === 0 ? '0 ms' : '< 1 ms';
	if (ms < 999.5) return `${Math.round(ms)} ms`;
	if (ms < 9.95 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
	if (ms < MINUTE - 500) return `${Math.round(ms / SECOND)} s`;
	if (ms < HOUR - 500) return pair(Math.round(ms / SECOND), 60, 'min', 's');
	if (ms < DAY - MINUTE / 2) return pair(Math.round(ms / MINUTE), 60, 'h', 'min');
	const days = ms / DAY;
	return days < 1.95 ? pair(Math.round(ms / HOUR), 24, 'day', 'h') : `${Math.round(days)} days`;
}

function pair(total: number, base: number, big: string, small: string): string {
	const high = Math.floor(total / base);
	const low = total % base;
	return low === 0 ? `${high} ${big}` : `${high} ${big} ${low} ${small}`;
}

export function durationNs(ns: number): string {
	return duration(ns / NS_PER_MS);
}

/** How long ago, in one unit: "now", "12 s", "4 min", "3 h", "2 days", "5 weeks". */
export function age(thenMs: number, nowMs: number): string {
	const gone = Math.max(0, nowMs - thenMs);
	if (gone < 5 * SECOND) return 'now';
	if (gone < MINUTE) return `${Math.floor(gone / SECOND)} s`;
	if (gone < HOUR) return `${Math.floor(gone / MINUTE)} min`;
	if (gone < 2 * DAY) return `${Math.floor(gone / HOUR)} h`;
	if (gone < 60 * DAY) return `${Math.floor(gone / DAY)} days`;
	if (gone < 730 * DAY) return `${Math.floor(gone / (30.44 * DAY))} months`;
	return `${Math.floor(gone / (365.25 * DAY))} years`;
}

/** "3 h ago", "now", "in 4 min". */
export function ago(thenMs: number, nowMs: number): string {
	if (thenMs - nowMs > 5 * SECOND) return `in ${age(nowMs, thenMs)}`;
	const text = age(thenMs, nowMs);
	return text === 'now' ? text : `${text} ago`;
}

export function rate(bytesPerSecond: number): string {
	return `${bytes(bytesPerSecond)}/s`;
}

/** A wall-clock time of the API, nanoseconds since 1970, in milliseconds. */
export function ms(ns: number): number {
	return ns / NS_PER_MS;
}

const dateTimeFormats = new Map<string, Intl.DateTimeFormat>();

function formatter(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
	const key = JSON.stringify(options);
	let found = dateTimeFormats.get(key);
	if (!found) {
		found = new Intl.DateTimeFormat('en-GB', options);
		dateTimeFormats.set(key, found);
	}
	return found;
}

/** "22 Nov 2026, 01:36"; in the reader's time zone unless another is named. */
export function dateTime(atMs: number, timeZone?: string): string {
	return formatter({
		day: 'numeric',
		month: 'short',
		year: 'numeric',
		hour: '2-digit',
		minute: '2-digit',
		...(timeZone ? { timeZone } : {}),
	}).format(atMs);
}

/** "Sun 22 Nov"; of another year than now's "Mon 22 Dec 2025". */
export function day(atMs: number, nowMs = atMs): string {
	const isThisYear = new Date(atMs).getFullYear() === new Date(nowMs).getFullYear();
	return formatter({ weekday: 'short', day: 'numeric', month: 'short', ...(isThisYear ? {} : { year: 'numeric' }) }).format(atMs);
}

/** "01:36". */
export function timeOfDay(atMs: number): string {
	return formatter({ hour: '2-digit', minute: '2-digit' }).format(atMs);
}

/** "01:36:12". */
export function clock(atMs: number): string {
	return formatter({ hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(atMs);
}

/** The first eight digits, as everywhere in the program. */
export function shortId(id: string): string {
	return id.slice(0, 8);
}

export function percent(part: number, whole: number): string {
	if (whole <= 0) return '0 %';
	const value = (100 * part) / whole;
	if (value > 0 && value < 1) return '< 1 %';
	// A hundred only when nothing is missing.
	return `${part < whole ? Math.min(99, Math.round(value)) : 100} %`;
}
