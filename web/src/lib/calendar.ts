/** Ninety days of backups as squares, a column for each week. */
import { counted } from './format';
import type { Schemas } from './types';

type Day = Schemas['Day'];

export type DayTone = 'none' | 'complete' | 'proved' | 'attention' | 'failed';

export interface Square {
	day: string;
	/** 0: the column that begins the calendar; 0: Monday. */
	column: number;
	row: number;
	tone: DayTone;
	text: string;
}

const DAY_MS = 86_400_000;

/** "2026-11-22" where the host is. */
export function dayIn(atMs: number, zone: string): string {
	// The Swedish way to write a date is ISO's.
	return new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' }).format(atMs);
}

/** days: what was told; today and proved: days as above. The last square is today. */
export function squares(days: readonly Day[], today: string, proved: string | undefined, span = 90): Square[] {
	const told = new Map(days.map((day) => [day.day, day]));
	const last = Date.parse(`${today}T00:00:00Z`);
	const first = last - (span - 1) * DAY_MS;
	const begin = weekday(first);
	return Array.from({ length: span }, (_, i) => {
		const date = new Date(first + i * DAY_MS);
		const day = date.toISOString().slice(0, 10);
		const found = told.get(day);
		return {
			day,
			column: Math.floor((begin + i) / 7),
			row: weekday(date.getTime()),
			tone: toneOf(found, day === proved),
			text: `${dayText(date)}: ${wordsOf(found)}${day === proved ? ', proved by a drill' : ''}`,
		};
	});
}

/** 0 is Monday. */
function weekday(utcMs: number): number {
	return (new Date(utcMs).getUTCDay() + 6) % 7;
}

function dayText(date: Date): string {
	return date.toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' });
}

/** The worst of the day shows; green only what was proved. */
function toneOf(day: Day | undefined, isProved: boolean): DayTone {
	if (day && day.failed > 0) return 'failed';
	if (day && day.partial + day.quarantined > 0) return 'attention';
	if (isProved) return 'proved';
	return day && day.complete > 0 ? 'complete' : 'none';
}

function wordsOf(day: Day | undefined): string {
	if (!day) return 'no backup';
	const words = [
		[day.complete, 'complete'],
		[day.partial, 'partial'],
		[day.quarantined, 'quarantined'],
		[day.failed, 'failed'],
	] as const;
	return words.flatMap(([n, word]) => (n > 0 ? [`${n} ${word}`] : [])).join(', ') || 'no backup';
}

/** For those who do not see the squares. */
export function calendarText(all: readonly Square[]): string {
	const having = (tone: DayTone) => all.filter((square) => square.tone === tone).length;
	const parts = [`${counted(having('complete') + having('proved'), 'day')} complete`];
	if (having('attention') > 0) parts.push(`${having('attention')} with a partial or quarantined backup`);
	if (having('failed') > 0) parts.push(`${having('failed')} with a failed backup`);
	parts.push(`${having('none')} without a backup`);
	return `Backups of the last ${all.length} days: ${parts.join(', ')}`;
}
