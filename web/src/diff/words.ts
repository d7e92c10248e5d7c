/*
 * Which words of two texts differ: what is highlighted inside a changed line or value.
 *
 * Myers' O(ND) over words, bounded: texts that have more than MOST words, or more differences than MOST_EDITS, are told as wholly
 * different but for what they begin and end with, which is as much as an eye can use then.
 * Source: E. W. Myers, 'An O(ND) Difference Algorithm and Its Variations', 1986.
 */
export interface Piece {
	text: string;
	/** Only this side has it. */
	isOwn: boolean;
}

export interface WordDiff {
	before: Piece[];
	after: Piece[];
}

const MOST = 2000;
const MOST_EDITS = 200;

/** Words, runs of blanks, and each other character by itself. */
export function words(text: string): string[] {
	return text.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [];
}

type Pair = [before: number, after: number];

/** Pairs of places that are the same; null when there are too many differences. */
function commonPairs(a: string[], b: string[]): Pair[] | null {
	const most = Math.min(a.length + b.length, MOST_EDITS);
	const reach = new Int32Array(2 * most + 2).fill(-1);
	const trail: Int32Array[] = [];
	const at = (k: number) => k + most;
	reach[at(1) > 2 * most + 1 ? at(0) : at(1)] = 0;
	for (let d = 0; d <= most; d++) {
		trail.push(reach.slice());
		for (let k = -d; k <= d; k += 2) {
			const down = k === -d || (k !== d && (reach[at(k - 1)] ?? -1) < (reach[at(k + 1)] ?? -1));
			let x = down ? (reach[at(k + 1)] ?? 0) : (reach[at(k - 1)] ?? 0) + 1;
			if (d === 0) x = 0;
			let y = x - k;
			while (x < a.length && y < b.length && a[x] === b[y]) {
				x++;
				y++;
			}
			reach[at(k)] = x;
			if (x >= a.length && y >= b.length) return walkBack(a, b, trail, d, at);
		}
	}
	return null;
}

function walkBack(
	a: string[],
	b: string[],
	trail: Int32Array[],
	edits: number,
	at: (k: number) => number,
): Pair[] {
	const pairs: Pair[] = [];
	let x = a.length;
	let y = b.length;
	for (let d = edits; d >= 0; d--) {
		const reach = trail[d] as Int32Array;
		const k = x - y;
		const down = k === -d || (k !== d && (reach[at(k - 1)] ?? -1) < (reach[at(k + 1)] ?? -1));
		const from = down ? k + 1 : k - 1;
		const fromX = d === 0 ? 0 : (reach[at(from)] ?? 0);
		const fromY = d === 0 ? 0 : fromX - from;
		while (x > fromX && y > fromY && a[x - 1] === b[y - 1]) pairs.push([--x, --y]);
		x = fromX;
		y = fromY;
	}
	return pairs.reverse();
}

function pieces(all: string[], common: Set<number>): Piece[] {
	const out: Piece[] = [];
	all.forEach((text, i) => {
		const isOwn = !common.has(i);
		const last = out[out.length - 1];
		if (last && last.isOwn === isOwn) last.text += text;
		else out.push({ text, isOwn });
	});
	return out;
}

/** The same beginning and end, and what is between. */
function ends(before: string, after: string): WordDiff {
	const most = Math.min(before.length, after.length);
	let head = 0;
	while (head < most && before[head] === after[head]) head++;
	let tail = 0;
	while (tail < most - head && before[before.length - 1 - tail] === after[after.length - 1 - tail])
		tail++;
	const cut = (text: string): Piece[] =>
		[
			{ text: text.slice(0, head), isOwn: false },
			{ text: text.slice(head, text.length - tail), isOwn: true },
			{ text: text.slice(text.length - tail), isOwn: false },
		].filter((p) => p.text !== '');
	// Two short words that happen to begin alike are two words.
	const isAlike = head + tail >= 8 || (head + tail) * 2 >= Math.max(before.length, after.length);
	if (!isAlike) return { before: whole(before), after: whole(after) };
	return { before: cut(before), after: cut(after) };
}

function whole(text: string): Piece[] {
	return text === '' ? [] : [{ text, isOwn: true }];
}

export function wordDiff(before: string, after: string): WordDiff {
	if (before === after) {
		const same = before === '' ? [] : [{ text: before, isOwn: false }];
		return { before: same, after: same };
	}
	if (before.length + after.length > 64 * MOST) return ends(before, after);
	const a = words(before);
	const b = words(after);
	if (a.length > MOST || b.length > MOST) return ends(before, after);
	const pairs = commonPairs(a, b);
	// Where next to nothing is the same, colouring every second word helps nobody.
	const kept = pairs?.reduce((n, [i]) => n + (a[i] as string).trim().length, 0) ?? 0;
	if (!pairs || kept * 5 < Math.min(before.length, after.length)) return ends(before, after);
	return {
		before: pieces(a, new Set(pairs.map((p) => p[0]))),
		after: pieces(b, new Set(pairs.map((p) => p[1]))),
	};
}

const SHOWN_BEFORE = 16;

/** Of two long texts that begin alike, what lies around the first difference: a cell shows only beginnings. */
export function nearDifference(before: string, after: string, room = 48): [string, string] {
	if (before.length <= room && after.length <= room) return [before, after];
	let head = 0;
	const most = Math.min(before.length, after.length);
	while (head < most && before[head] === after[head]) head++;
	const from = head - SHOWN_BEFORE;
	if (from <= 1) return [before, after];
	return [`…${before.slice(from)}`, `…${after.slice(from)}`];
}
