/** How each member is captured, in words. */
import type { IconName } from '$design/icons';
import type { Plan, Policy } from './types';

type Member = Plan['members'][number];

export const memberKinds: Record<Member['kind'], { label: string; icon: IconName }> = {
	project: { label: 'Project folder', icon: 'folder' },
	file: { label: 'File', icon: 'file' },
	volume: { label: 'Volume', icon: 'volume' },
	bind: { label: 'Bind mount', icon: 'folder' },
	database: { label: 'Database', icon: 'database' },
	image: { label: 'Image', icon: 'layers' },
	meta: { label: 'Description', icon: 'info' },
};

const engines: Record<string, string> = {
	postgres: 'PostgreSQL',
	mariadb: 'MariaDB',
	mysql: 'MySQL',
	redis: 'Redis',
	valkey: 'Valkey',
	mongodb: 'MongoDB',
	sqlite: 'SQLite',
};

export function engineName(engine: string): string {
	return engines[engine] ?? engine;
}

/** "PostgreSQL 15.18", without what a distribution says behind the number. */
export function engineVersion(engine: string, version: string | null | undefined): string {
	return `${engineName(engine)} ${/^\d[\w.]*/.exec(version ?? '')?.[0] ?? ''}`.trim();
}

/** What a member is called where there is little room: volumes without a name by the first digits, folders by their last. */
export function memberName(name: string): string {
	if (/^[0-9a-f]{64}$/.test(name)) return `${name.slice(0, 12)}…`;
	const parts = name.split('/');
	return name.startsWith('/') && parts.length > 3 ? `…/${parts.at(-1)}` : name;
}

export function captureOf(member: Pick<Member, 'kind' | 'engine' | 'services'>, quiesce: readonly string[]): string {
	switch (member.kind) {
		case 'database':
			return 'Dumped by its own tools from one consistent snapshot, while it runs';
		case 'project':
			return 'Compose and env files, byte for byte';
		case 'image':
			return 'Its digest';
		case 'meta':
			return 'How containers, networks and volumes are set up';
		case 'volume':
		case 'bind':
		case 'file': {
			const quiet = member.services.filter((service) => quiesce.includes(service));
			return quiet.length > 0
				? `Read while it runs, what changed once more while ${quiet.join(', ')} ${quiet.length === 1 ? 'is' : 'are'} quiet`
				: 'Read while it runs';
		}
	}
}

/** "the last 5, 14 daily, 8 weekly". */
export function policyWords(policy: Policy): string {
	const parts: string[] = [];
	if (policy.keep_last) parts.push(`the last ${policy.keep_last}`);
	for (const unit of ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const) {
		const n = policy[`keep_${unit}`];
		if (n) parts.push(`${n} ${unit}`);
	}
	if (policy.keep_within) parts.push(`all of the last ${policy.keep_within}`);
	if (policy.keep_tags?.length) parts.push(`tagged ${policy.keep_tags.join(', ')}`);
	return parts.join(', ') || 'no rule';
}
