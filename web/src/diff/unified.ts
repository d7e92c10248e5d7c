/*
 * Hunks as of `diff -u`, for showing: in one column, or the two sides beside each other.
 */
import { type Piece, wordDiff } from './words';

export interface TextLine {
	kind: 'hunk' | 'same' | 'removed' | 'added' | 'note';
	/** Line numbers, where the side has the line. */
	before: number | null;
	after: number | null;
	pieces: Piece[];
}

export interface SplitLine {
	kind: 'hunk' | 'line' | 'note';
	left: TextLine | null;
	right: TextLine | null;
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

function plain(text: string): Piece[] {
	return text === '' ? [] : [{ text, isOwn: false }];
}

/** Words are marked in runs of removed lines that as many added ones follow, or nearly. */
function markWords(lines: TextLine[], removed: number, added: number, end: number): void {
	const pairs = Math.min(added - removed, end - added);
	for (let i = 0; i < pairs; i++) {
		const a = lines[removed + i];
		const b = lines[added + i];
		if (!a || !b) return;
		const d = wordDiff(textOf(a), textOf(b));
		a.pieces = d.before;
		b.pieces = d.after;
	}
}

export function textOf(line: TextLine): string {
	return line.pieces.map((p) => p.text).join('');
}

export function parseUnified(diff: string): TextLine[] {
	const lines: TextLine[] = [];
	let before = 0;
	let after = 0;
	const all = diff.split('\n');
	if (all[all.length - 1] === '') all.pop();
	for (const raw of all) {
		const hunk = HUNK.exec(raw);
		const rest = raw.slice(1);
		if (hunk) {
			before = Number(hunk[1]);
			after = Number(hunk[2]);
			lines.push({ kind: 'hunk', before: null, after: null, pieces: plain(raw) });
		} else if (raw.startsWith('-')) {
			lines.push({ kind: 'removed', before: before++, after: null, pieces: plain(rest) });
		} else if (raw.startsWith('+')) {
			lines.push({ kind: 'added', before: null, after: after++, pieces: plain(rest) });
		} else if (raw.startsWith('\\')) {
			lines.push({ kind: 'note', before: null, after: null, pieces: plain(rest.trim()) });
		} else {
			lines.push({ kind: 'same', before: before++, after: after++, pieces: plain(rest) });
		}
	}
	eachChange(lines, (removed, added, end) => markWords(lines, removed, added, end));
	return lines;
}

/** Runs of removed lines and the added ones behind them. */
function eachChange(
	lines: TextLine[],
	fn: (removed: number, added: number, end: number) => void,
): void {
	for (let i = 0; i < lines.length; ) {
		if (lines[i]?.kind !== 'removed') {
			i++;
			continue;
		}
		const removed = i;
		while (lines[i]?.kind === 'removed' || lines[i]?.kind === 'note') i++;
		const added = i;
		while (lines[i]?.kind === 'added') i++;
		if (i > added) fn(removed, added, i);
	}
}

export function split(lines: TextLine[]): SplitLine[] {
	const out: SplitLine[] = [];
	let left: TextLine[] = [];
	let right: TextLine[] = [];
	const flush = () => {
		for (let i = 0; i < Math.max(left.length, right.length); i++)
			out.push({ kind: 'line', left: left[i] ?? null, right: right[i] ?? null });
		left = [];
		right = [];
	};
	for (const line of lines) {
		if (line.kind === 'removed') {
			if (right.length > 0) flush();
			left.push(line);
		} else if (line.kind === 'added') {
			right.push(line);
		} else if (line.kind === 'note') {
			out.push({ kind: 'note', left: line, right: line });
		} else {
			flush();
			out.push({ kind: line.kind === 'hunk' ? 'hunk' : 'line', left: line, right: line });
		}
	}
	flush();
	return out;
}

/** Two whole texts with all their lines: definitions, which are short. Too long ones share only their ends. */
export function diffTexts(before: string, after: string): TextLine[] {
	const a = linesOf(before);
	const b = linesOf(after);
	const pairs = commonLines(a, b);
	const lines: TextLine[] = [];
	let i = 0;
	let k = 0;
	for (const [x, y] of [...pairs, [a.length, b.length] as const]) {
		for (; i < x; i++)
			lines.push({ kind: 'removed', before: i + 1, after: null, pieces: plain(a[i] ?? '') });
		for (; k < y; k++)
			lines.push({ kind: 'added', before: null, after: k + 1, pieces: plain(b[k] ?? '') });
		if (x === a.length && y === b.length) break;
		lines.push({ kind: 'same', before: ++i, after: ++k, pieces: plain(a[x] ?? '') });
	}
	eachChange(lines, (removed, added, end) => markWords(lines, removed, added, end));
	return lines;
}

function linesOf(text: string): string[] {
	if (text === '') return [];
	const lines = text.split('\n');
	if (lines[lines.length - 1] === '') lines.pop();
	return lines;
}

const MOST_CELLS = 4_000_000;

/** The longest common subsequence, after what both begin and end with is taken away. */
function commonLines(a: string[], b: string[]): [number, number][] {
	let head = 0;
	while (head < a.length && head < b.length && a[head] === b[head]) head++;
	let tail = 0;
	while (
		tail < a.length - head &&
		tail < b.length - head &&
		a[a.length - 1 - tail] === b[b.length - 1 - tail]
	)
		tail++;
	const pairs: [number, number][] = [];
	for (let i = 0; i < head; i++) pairs.push([i, i]);
	pairs.push(
		...longest(a.slice(head, a.length - tail), b.slice(head, b.length - tail)).map(
			([x, y]): [number, number] => [x + head, y + head],
		),
	);
	for (let i = tail; i > 0; i--) pairs.push([a.length - i, b.length - i]);
	return pairs;
}

function longest(a: string[], b: string[]): [number, number][] {
	const width = b.length + 1;
	if (a.length * width > MOST_CELLS) return [];
	const best = new Uint32Array((a.length + 1) * width);
	const at = (i: number, k: number) => best[i * width + k] ?? 0;
	for (let i = a.length - 1; i >= 0; i--)
		for (let k = b.length - 1; k >= 0; k--)
			best[i * width + k] =
				a[i] === b[k] ? at(i + 1, k + 1) + 1 : Math.max(at(i + 1, k), at(i, k + 1));
	const pairs: [number, number][] = [];
	for (let i = 0, k = 0; i < a.length && k < b.length; ) {
		if (a[i] === b[k]) pairs.push([i++, k++]);
		else if (at(i + 1, k) >= at(i, k + 1)) i++;
		else k++;
	}
	return pairs;
}
