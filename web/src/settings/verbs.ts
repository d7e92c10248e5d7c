/** What people call a change that the audit log has by its verb; a verb that is not here stands for itself. */
const names: Record<string, string> = {
	'account.setup': 'First user made',
	'account.login': 'Logged in',
	'account.logout': 'Logged out',
	'account.password': 'Password changed',
	'tokens.add': 'Token made',
	'tokens.delete': 'Token removed',
	'runs.cancel': 'Run cancelled',
	'schedules.add': 'Schedule made',
	'schedules.put': 'Schedule changed',
	'schedules.delete': 'Schedule removed',
	'repository.test': 'Place tested',
	'repository.create': 'Repository made',
	'repository.open': 'Repository opened',
	'repository.kit': 'Recovery kit shown',
	'repository.kit_saved': 'Recovery kit kept',
	'repository.verify': 'Repository verified',
	'repository.prune': 'Repository cleaned up',
	'stacks.backup': 'Backup begun',
	'stacks.drill': 'Drill begun',
	recover: 'Recovery begun',
	'snapshots.forget': 'Snapshot removed',
	'snapshots.verify': 'Snapshot verified',
	'snapshots.drill': 'Drill begun',
	'snapshots.tag': 'Tags changed',
	'snapshots.accept': 'Snapshot accepted',
	'restore.preview': 'Restore looked at',
	'restore.start': 'Restore begun',
	'restores.undo_preview': 'Undo looked at',
	'restores.undo': 'Restore undone',
	'restores.finish': 'Restore finished',
	'diffs.start': 'Comparison begun',
};

export function verbName(verb: string): string {
	return names[verb] ?? verb;
}
