/*
 * What is restored, and where: as chosen on the page, in its address, and as the daemon is asked.
 */
import type { Schemas } from '$lib/types';
import { prefixRequest } from './prefix';

export type Scope = 'all' | 'services' | 'members' | 'tables' | 'keys' | 'paths';

export interface Choice {
	scope: Scope;
	services: string[];
	members: string[];
	paths: string[];
	/** Tables of one database, of one service; of keys the one database: "db0". */
	tables: string[];
	service: string;
	database: string;
	/** How keys begin, as it was typed. */
	prefix: string;
	/** Where rows go that are put beside: a schema, or a database; keys: its number. */
	into: string;
	isInPlace: boolean;
	/** Another name for the stack; "": its own. */
	as: string;
	/** The folder: of a stack under another name its project folder, of files where they go. */
	to: string;
	deleteExtra: boolean;
}

function list(query: URLSearchParams, name: string): string[] {
	return query.getAll(name).filter((v) => v !== '');
}

export function readChoice(query: URLSearchParams, isStack: boolean): Choice {
	const services = list(query, 'service');
	const members = list(query, 'member');
	const paths = list(query, 'path');
	const tables = list(query, 'table');
	const scope = query.get('scope');
	const part: Scope = query.has('prefix') ? 'keys' : tables.length ? 'tables' : members.length ? 'members' : services.length ? 'services' : 'all';
	const implied: Scope = paths.length ? 'paths' : isStack ? part : 'all';
	const isKnown = scope === 'paths' || scope === 'all' || (isStack && (scope === 'services' || scope === 'members' || scope === 'tables' || scope === 'keys'));
	const chosen = isKnown ? scope : implied;
	const isOne = chosen === 'tables' || chosen === 'keys';
	return {
		scope: chosen,
		services: isOne ? [] : services,
		members,
		paths,
		tables,
		service: isOne ? (services[0] ?? '') : '',
		database: query.get('database') ?? '',
		prefix: query.get('prefix') ?? '',
		into: query.get('into') ?? '',
		isInPlace: query.get('in-place') === '1',
		as: query.get('as') ?? '',
		to: query.get('to') ?? '',
		deleteExtra: query.get('delete') === '1',
	};
}

export function writeChoice(choice: Choice): string {
	const query = new URLSearchParams();
	if (choice.scope !== 'all') query.set('scope', choice.scope);
	if (choice.scope === 'services') for (const s of choice.services) query.append('service', s);
	if (choice.scope === 'members') for (const m of choice.members) query.append('member', m);
	if (choice.scope === 'paths') for (const p of choice.paths) query.append('path', p);
	if (choice.scope === 'tables') {
		if (choice.service) query.set('service', choice.service);
		if (choice.database) query.set('database', choice.database);
		for (const t of choice.tables) query.append('table', t);
		if (choice.isInPlace) query.set('in-place', '1');
		else query.set('into', choice.into);
	}
	if (choice.scope === 'keys') {
		if (choice.service) query.set('service', choice.service);
		for (const t of choice.tables) query.append('table', t);
		if (choice.prefix) query.set('prefix', choice.prefix);
		if (choice.isInPlace) query.set('in-place', '1');
		else if (choice.into) query.set('into', choice.into);
	}
	if (choice.as) query.set('as', choice.as);
	if (choice.to) query.set('to', choice.to);
	if (choice.deleteExtra) query.set('delete', '1');
	const text = query.toString();
	return text ? `?${text}` : '';
}

export function needsFolder(choice: Choice, isStack: boolean): boolean {
	if (isStack && choice.scope !== 'paths' && choice.scope !== 'all') return false;
	return !isStack || choice.scope === 'paths' || choice.as !== '';
}

/** What is missing before it can be looked at; "" when nothing is. */
export function missing(choice: Choice, isStack: boolean): string {
	if (choice.scope === 'services' && choice.services.length === 0) return 'Choose a service';
	if (choice.scope === 'members' && choice.members.length === 0) return 'Choose a member';
	if (choice.scope === 'paths' && choice.paths.length === 0) return 'Name a path';
	if (choice.scope === 'tables') {
		if (choice.tables.length === 0) return 'Choose a table';
		return choice.isInPlace || choice.into !== '' ? '' : 'Say how the schema beside is called';
	}
	if (choice.scope === 'keys') {
		if (choice.prefix === '') return 'Say how the keys begin';
		return choice.isInPlace || /^\d{1,5}$/.test(choice.into) ? '' : 'Say the number of an empty database';
	}
	if (choice.scope === 'all' && choice.as && !/^[a-z0-9][a-z0-9_-]*$/.test(choice.as)) return 'A stack’s name has small letters, digits, - and _';
	if (needsFolder(choice, isStack) && !choice.to.startsWith('/')) return 'Say in which folder, by its whole path';
	return '';
}

/** What a person has to type: the name of what is replaced. */
export function confirmation(choice: Choice, source: Schemas['Source']): string {
	if (source.kind !== 'stack' || choice.scope === 'paths') return choice.to;
	return (choice.scope === 'all' && choice.as) || (source.name ?? '');
}

export function toRequest(choice: Choice, isStack: boolean): Schemas['PreviewRequest'] {
	return {
		...(choice.scope === 'services' ? { services: choice.services } : {}),
		...(choice.scope === 'members' ? { members: choice.members } : {}),
		...(choice.scope === 'paths' ? { paths: choice.paths } : {}),
		...(choice.as && choice.scope === 'all' ? { as: choice.as } : {}),
		...(needsFolder(choice, isStack) ? { to: choice.to } : {}),
		...(choice.deleteExtra && (!isStack || choice.scope === 'paths') ? { delete_extra: true } : {}),
	};
}

/** The same for tables and keys, which go another way. */
export function toTables(choice: Choice): Schemas['TablesPreviewRequest'] {
	return {
		tables: choice.tables,
		...(choice.service ? { service: choice.service } : {}),
		...(choice.scope === 'keys' ? prefixRequest(choice.prefix) : choice.database ? { database: choice.database } : {}),
		...(choice.isInPlace ? {} : { into: choice.into }),
	};
}

/** Databases whose tables, or collections, can be put back one by one. */
const WITH_TABLES = ['postgres', 'mariadb', 'mysql', 'mongodb'];

export function hasTables(engine: string | undefined): boolean {
	return engine !== undefined && WITH_TABLES.includes(engine);
}

export function hasKeys(engine: string | undefined): boolean {
	return engine === 'redis' || engine === 'valkey';
}

/** What a schema is called that tells of when its rows are. */
export function beside(ms: number): string {
	return `from_${new Date(ms).toISOString().slice(0, 16).replace(/\D/g, '')}`;
}

export function lines(text: string): string[] {
	return text
		.split('\n')
		.map((l) => l.trim())
		.filter((l) => l !== '');
}

export function toggled(all: string[], one: string): string[] {
	return all.includes(one) ? all.filter((x) => x !== one) : [...all, one];
}
