/*
 * A tree whose folders are read when they are opened: as the flat list of what is seen, which a virtual list draws, and
 * the moves that the keyboard makes in it (WAI-ARIA, "Tree View").
 */
export interface TreeItem {
	path: string;
	name: string;
	isFolder: boolean;
}

export interface Visible<T extends TreeItem> {
	item: T;
	level: number;
	/** Its place among its siblings, from 1, and how many these are. */
	position: number;
	siblings: number;
	isOpen: boolean;
	isLoading: boolean;
	/** Why its entries could not be read. */
	error: string;
	parent: number;
}

interface Folder<T> {
	items: T[] | null;
	isOpen: boolean;
	isLoading: boolean;
	error: string;
}

export type ReadFolder<T> = (path: string) => Promise<T[]>;

export class TreeModel<T extends TreeItem> {
	private readonly folders = new Map<string, Folder<T>>();
	private flat: Visible<T>[] | null = null;

	constructor(
		private readonly read: ReadFolder<T>,
		private readonly changed: () => void,
		private readonly words: (e: unknown) => string = String,
	) {}

	private folder(path: string): Folder<T> {
		let f = this.folders.get(path);
		if (!f) {
			f = { items: null, isOpen: false, isLoading: false, error: '' };
			this.folders.set(path, f);
		}
		return f;
	}

	get rows(): Visible<T>[] {
		if (!this.flat) {
			this.flat = [];
			this.add('', 1, -1);
		}
		return this.flat;
	}

	private add(path: string, level: number, parent: number): void {
		const f = this.folders.get(path);
		const flat = this.flat as Visible<T>[];
		const items = f?.items ?? [];
		items.forEach((item, i) => {
			const own = item.isFolder ? this.folders.get(item.path) : undefined;
			flat.push({
				item,
				level,
				position: i + 1,
				siblings: items.length,
				isOpen: own?.isOpen ?? false,
				isLoading: own?.isLoading ?? false,
				error: own?.error ?? '',
				parent,
			});
			if (own?.isOpen) this.add(item.path, level + 1, flat.length - 1);
		});
	}

	private say(): void {
		this.flat = null;
		this.changed();
	}

	get rootError(): string {
		return this.folders.get('')?.error ?? '';
	}

	get isRootLoading(): boolean {
		return this.folders.get('')?.isLoading ?? false;
	}

	async open(path: string): Promise<void> {
		const f = this.folder(path);
		f.isOpen = true;
		if (f.items || f.isLoading) {
			this.say();
			return;
		}
		f.isLoading = true;
		f.error = '';
		this.say();
		try {
			f.items = await this.read(path);
		} catch (e) {
			f.error = this.words(e);
			f.isOpen = false;
		}
		f.isLoading = false;
		this.say();
	}

	close(path: string): void {
		this.folder(path).isOpen = false;
		this.say();
	}

	toggle(path: string): Promise<void> {
		if (!this.folder(path).isOpen) return this.open(path);
		this.close(path);
		return Promise.resolve();
	}

	/** Open all folders on the way to a path: the answer is its row, or -1 when there is no such path. */
	async reach(path: string): Promise<number> {
		await this.open('');
		const parts = path.split('/');
		for (let i = 1; i < parts.length; i++) {
			const above = parts.slice(0, i).join('/');
			if (this.indexOf(above) >= 0) await this.open(above);
		}
		return this.indexOf(path);
	}

	indexOf(path: string): number {
		return this.rows.findIndex((r) => r.item.path === path);
	}

	/** Where a key leads from a row: another row, or the same one when a folder was opened or closed. */
	key(at: number, key: string): number | null {
		const rows = this.rows;
		const row = rows[at];
		if (!row) return rows.length > 0 ? 0 : null;
		switch (key) {
			case 'ArrowDown':
				return Math.min(at + 1, rows.length - 1);
			case 'ArrowUp':
				return Math.max(at - 1, 0);
			case 'Home':
				return 0;
			case 'End':
				return rows.length - 1;
			case 'PageDown':
				return Math.min(at + 15, rows.length - 1);
			case 'PageUp':
				return Math.max(at - 15, 0);
			case 'ArrowRight':
				if (!row.item.isFolder) return at;
				if (!row.isOpen) {
					void this.open(row.item.path);
					return at;
				}
				return rows[at + 1]?.parent === at ? at + 1 : at;
			case 'ArrowLeft':
				if (row.isOpen) {
					this.close(row.item.path);
					return at;
				}
				return row.parent >= 0 ? row.parent : at;
			case '*':
				for (const r of rows)
					if (r.parent === row.parent && r.item.isFolder && !r.isOpen)
						void this.open(r.item.path);
				return this.indexOf(row.item.path);
			default:
				return null;
		}
	}

	/** The next row whose name begins with what was typed. */
	typed(at: number, text: string): number | null {
		const rows = this.rows;
		const wanted = text.toLowerCase();
		const begin = text.length > 1 ? 0 : 1;
		for (let i = begin; i < rows.length + begin; i++) {
			const n = (at + i) % rows.length;
			if (rows[n]?.item.name.toLowerCase().startsWith(wanted)) return n;
		}
		return null;
	}
}
