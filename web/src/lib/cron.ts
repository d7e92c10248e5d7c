/** Schedules as people say them, and as cron writes them. What is not simple stays cron's own text. */

export type Often = 'hours' | 'daily' | 'weekly' | 'cron';

export interface When {
	often: Often;
	/** hours: every so many, beginning at midnight. */
	hours: number;
	/** daily, weekly: "03:30"; hours: only its minutes count. */
	time: string;
	/** weekly: 0 is Sunday, as in cron. */
	weekday: number;
	/** cron: as it was typed. */
	text: string;
}

export const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
export const HOURS = [1, 2, 3, 4, 6, 8, 12];

const NAMES: Record<string, string> = {
	'@hourly': '0 * * * *',
	'@daily': '0 0 * * *',
	'@midnight': '0 0 * * *',
	'@weekly': '0 0 * * 0',
};
const DAY_NAMES = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

export function whenOf(cron: string): When {
	const text = cron.trim();
	const when: When = { often: 'cron', hours: 6, time: '03:00', weekday: 0, text };
	const fields = (NAMES[text.toLowerCase()] ?? text).split(/\s+/);
	const [minute = '', hour = '', date, month, weekday = ''] = fields;
	if (fields.length !== 5 || date !== '*' || month !== '*' || !isBelow(minute, 60)) return when;
	if (weekday === '*') {
		const every = hour === '*' ? 1 : Number(/^\*\/(\d+)$/.exec(hour)?.[1] ?? NaN);
		if (HOURS.includes(every)) return { ...when, often: 'hours', hours: every, time: clockOf('0', minute) };
	}
	if (!isBelow(hour, 24)) return when;
	const time = clockOf(hour, minute);
	if (weekday === '*') return { ...when, often: 'daily', time };
	const day = dayOf(weekday);
	return day === undefined ? when : { ...when, often: 'weekly', weekday: day, time };
}

export function cronOf(when: When): string {
	const [hour = 0, minute = 0] = when.time.split(':').map(Number);
	switch (when.often) {
		case 'hours':
			return `${minute} ${when.hours === 1 ? '*' : `*/${when.hours}`} * * *`;
		case 'daily':
			return `${minute} ${hour} * * *`;
		case 'weekly':
			return `${minute} ${hour} * * ${when.weekday}`;
		case 'cron':
			return when.text.trim();
	}
}

/** "every 6 hours", "daily at 03:00", "Sundays at 03:30", or the text itself. */
export function wordsOf(cron: string): string {
	const when = whenOf(cron);
	const minute = when.time.slice(3);
	switch (when.often) {
		case 'hours':
			return `${when.hours === 1 ? 'every hour' : `every ${when.hours} hours`}${minute === '00' ? '' : ` at :${minute}`}`;
		case 'daily':
			return `daily at ${when.time}`;
		case 'weekly':
			return `${WEEKDAYS[when.weekday]}s at ${when.time}`;
		case 'cron':
			return when.text;
	}
}

function isBelow(text: string, limit: number): boolean {
	return /^\d{1,2}$/.test(text) && Number(text) < limit;
}

function clockOf(hour: string, minute: string): string {
	return `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
}

function dayOf(text: string): number | undefined {
	if (/^[0-7]$/.test(text)) return Number(text) % 7;
	const found = DAY_NAMES.indexOf(text.toLowerCase());
	return found < 0 ? undefined : found;
}
