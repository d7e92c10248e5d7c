import { describe, expect, it } from 'vitest';
import { backupResult, drillResult, isOver, kinds, runState, runTitle } from '../src/lib/runs';
import type { Run } from '../src/lib/types';

const states = ['queued', 'running', 'complete', 'partial', 'failed', 'cancelled', 'lost'] as const;

describe('runState', () => {
	it('is green only for a drill that proved something', () => {
		for (const kind of Object.keys(kinds) as Run['kind'][])
			for (const state of states)
				expect(runState({ kind, state }).tone === 'proved').toBe(kind === 'drill' && state === 'complete');
	});

	it('tells a drill that could not be carried out from one that failed', () => {
		expect(runState({ kind: 'drill', state: 'failed', exit_code: 16 })).toEqual({ label: 'Failed', tone: 'failed' });
		expect(runState({ kind: 'drill', state: 'failed', exit_code: 17 }).tone).toBe('attention');
	});

	it('calls a quarantined backup by its name, although it is complete', () => {
		expect(runState({ kind: 'backup', state: 'complete', quarantined: true })).toEqual({ label: 'Quarantined', tone: 'attention' });
	});

	it('knows which are over', () => {
		expect(states.filter((state) => !isOver({ state }))).toEqual(['queued', 'running']);
		expect(runTitle({ kind: 'backup', stack: 'shop' })).toBe('Backup of shop');
		expect(runTitle({ kind: 'verify', stack: '' })).toBe('Verify');
	});
});

describe('results', () => {
	it('reads what a backup has taken', () => {
		const result = { runs: [{ files: 270, bytes: 36e6, new_bytes: 20e6, stored_bytes: 13e6, quiet_ns: 108e6, skew_ns: 67e6 }] };
		expect(backupResult(result)).toEqual({ files: 270, bytes: 36e6, newBytes: 20e6, storedBytes: 13e6, quietNs: 108e6, skewNs: 67e6 });
		expect(backupResult({ runs: [{ error: { code: 'io', message: 'no' } }] })).toBeNull();
		expect(backupResult(undefined)).toBeNull();
	});

	it('reads what a drill has found', () => {
		const proof = { verdict: 'failed', reason: 'db: table a differs', rto_ns: 1e9, took_ns: 2e9 };
		expect(drillResult({ drills: [{ proof }] })).toEqual({ verdict: 'failed', reason: 'db: table a differs', rtoNs: 1e9, tookNs: 2e9, compared: '', snapshot: '' });
		expect(drillResult({ drills: [{ error: {} }] })).toBeNull();
	});

	it('says how much a drill has compared, and of which point', () => {
		const proof = {
			verdict: 'proved',
			files: { compared: true, files: 1 },
			databases: [{ compared: true, rows: 25_000 }, { compared: true, rows: 218 }, { compared: false, rows: 7 }],
		};
		const found = drillResult({ drills: [{ snapshot: 'ab12', proof }] });
		expect(found?.compared).toBe('1 file and 25\u202f218 rows in 2 databases were compared.');
		expect(found?.snapshot).toBe('ab12');
	});
});
