import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isReady, passwordFault } from '../../src/settings/password';
import { verbName } from '../../src/settings/verbs';

describe('a new password', () => {
	it('is long, and typed twice', () => {
		expect(passwordFault('', '')).toBe('');
		expect(passwordFault('short', '')).not.toBe('');
		expect(passwordFault('long enough it is', 'long')).not.toBe('');
		expect(passwordFault('long enough it is', 'long enough it is')).toBe('');
		expect(isReady('old', 'long enough it is', '')).toBe(false);
		expect(isReady('', 'long enough it is', 'long enough it is')).toBe(false);
		expect(isReady('old', 'long enough it is', 'long enough it is')).toBe(true);
	});
});

describe('the audit log', () => {
	it('has a name for all that the API can change', () => {
		const api = JSON.parse(readFileSync(new URL('../../../src/serve/openapi.json', import.meta.url), 'utf8')) as {
			paths: Record<string, Record<string, { 'x-verb'?: string }>>;
		};
		const verbs = Object.values(api.paths).flatMap((methods) =>
			Object.entries(methods).flatMap(([method, operation]) => (method !== 'get' && operation['x-verb'] ? [operation['x-verb']] : [])),
		);
		const onlyQuestions = ['schedules.preview', 'stacks.retention_preview'];
		expect(verbs.length).toBeGreaterThan(20);
		expect(verbs.filter((v) => verbName(v) === v && !onlyQuestions.includes(v))).toEqual([]);
	});
});
