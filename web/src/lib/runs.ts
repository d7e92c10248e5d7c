/** What runs are called, and what their ends mean. */
import { counted } from './format';
import type { Tone } from '$design/tone';
import type { IconName } from '$design/icons';
import type { Proof, Run, RunDetail, Schemas } from './types';

type Kind = Run['kind'];

export const kinds: Record<Kind, { label: string; icon: IconName }> = {
	backup: { label: 'Backup', icon: 'snapshot' },
	verify: { label: 'Verify', icon: 'shield' },
	drill: { label: 'Drill', icon: 'drill' },
	retention: { label: 'Retention', icon: 'trash' },
	forget: { label: 'Removal', icon: 'trash' },
	tag: { label: 'Tags', icon: 'edit' },
	accept: { label: 'Acceptance', icon: 'check' },
	diff: { label: 'Comparison', icon: 'compare' },
	restore: { label: 'Restore', icon: 'download' },
	restore_preview: { label: 'Restore preview', icon: 'search' },
	undo: { label: 'Undo', icon: 'undo' },
	undo_preview: { label: 'Undo preview', icon: 'search' },
	finish: { label: 'Finish', icon: 'check' },
	recover: { label: 'Recovery', icon: 'bolt' },
	prune: { label: 'Clean-up', icon: 'trash' },
};

/** "Backup of shop", "Verify". */
export function runTitle(run: Pick<Run, 'kind' | 'stack'>): string {
	return run.stack ? `${kinds[run.kind].label} of ${run.stack}` : kinds[run.kind].label;
}

export function isOver(run: Pick<Run, 'state'>): boolean {
	return run.state !== 'queued' && run.state !== 'running';
}

/** The word and the colour of a run's state. Only a drill that succeeded proves something. */
export function runState(run: Pick<Run, 'kind' | 'state' | 'quarantined' | 'exit_code'>): { label: string; tone: Tone } {
	if (run.quarantined) return { label: 'Quarantined', tone: 'attention' };
	switch (run.state) {
		case 'queued':
			return { label: 'Waiting', tone: 'plain' };
		case 'running':
			return { label: 'Running', tone: 'running' };
		case 'complete':
			return run.kind === 'drill' ? { label: 'Proved', tone: 'proved' } : { label: 'Complete', tone: 'complete' };
		case 'partial':
			return { label: 'Partial', tone: 'attention' };
		case 'failed':
			return run.kind === 'drill' && run.exit_code === 17
				? { label: 'Inconclusive', tone: 'attention' }
				: { label: 'Failed', tone: 'failed' };
		case 'cancelled':
			return { label: 'Cancelled', tone: 'plain' };
		case 'lost':
			return { label: 'Lost', tone: 'attention' };
	}
}

/** What a run has cost and made, from the command's result line (docs/json.md). */
export interface BackupResult {
	files: number;
	bytes: number;
	newBytes: number;
	storedBytes: number;
	quietNs: number;
	skewNs: number;
}

export function backupResult(result: RunDetail['result']): BackupResult | null {
	const first = (result as { runs?: Record<string, unknown>[] } | undefined)?.runs?.[0];
	if (!first || typeof first.bytes !== 'number') return null;
	const number = (key: string) => (typeof first[key] === 'number' ? first[key] : 0);
	return {
		files: number('files'),
		bytes: number('bytes'),
		newBytes: number('new_bytes'),
		storedBytes: number('stored_bytes'),
		quietNs: number('quiet_ns'),
		skewNs: number('skew_ns'),
	};
}

/** How keys begin; _hex: its bytes, where those are no text. */
export interface KeyPrefix {
	key_prefix: string;
	key_prefix_hex?: string;
}

/** Tables whose rows were put back: beside, into a schema or database, or in place. */
export function tablesResult(result: RunDetail['result']): { tables: Schemas['TablePlan'][]; into: string; keys: KeyPrefix | null } | null {
	const found = result as ({ tables?: Schemas['TablePlan'][]; into?: string | null } & Partial<KeyPrefix>) | undefined;
	if (!Array.isArray(found?.tables) || found.tables.length === 0) return null;
	const keys = found.key_prefix ? { key_prefix: found.key_prefix, ...(found.key_prefix_hex ? { key_prefix_hex: found.key_prefix_hex } : {}) } : null;
	return { tables: found.tables, into: found.into ?? '', keys };
}

export interface DrillResult {
	verdict: Proof['verdict'];
	reason: string;
	rtoNs: number;
	tookNs: number;
	/** "276 files and 25 218 rows in 3 databases were compared"; "" when nothing was. */
	compared: string;
	/** The point; "" when it is not told. */
	snapshot: string;
}

export function drillResult(result: RunDetail['result']): DrillResult | null {
	const drill = (result as { drills?: { snapshot?: string; proof?: Record<string, unknown> }[] } | undefined)?.drills?.[0];
	const proof = drill?.proof;
	if (!proof || typeof proof.verdict !== 'string') return null;
	return {
		verdict: proof.verdict as Proof['verdict'],
		reason: typeof proof.reason === 'string' ? proof.reason : '',
		rtoNs: typeof proof.rto_ns === 'number' ? proof.rto_ns : 0,
		tookNs: typeof proof.took_ns === 'number' ? proof.took_ns : 0,
		compared: comparedWords(proof),
		snapshot: drill?.snapshot ?? '',
	};
}

function comparedWords(proof: Record<string, unknown>): string {
	const files = (proof.files as { compared?: boolean; files?: number } | undefined) ?? {};
	const databases = ((proof.databases as { compared?: boolean; rows?: number }[] | undefined) ?? []).filter((one) => one.compared);
	const rows = databases.reduce((sum, one) => sum + (one.rows ?? 0), 0);
	const parts = [
		...(files.compared && files.files ? [counted(files.files, 'file')] : []),
		...(databases.length > 0 ? [`${counted(rows, 'row')} in ${counted(databases.length, 'database')}`] : []),
	];
	return parts.length > 0 ? `${parts.join(' and ')} were compared.` : '';
}
