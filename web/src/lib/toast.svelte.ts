/** Short messages that go away by themselves; failures stay until they are dismissed. */
import { asProblem } from './problem';

export interface Toast {
	id: number;
	tone: 'info' | 'failed';
	text: string;
	detail: string;
	action?: { label: string; href: string };
}

const STAY_MS = 6000;

class Toasts {
	all = $state<Toast[]>([]);
	#next = 1;

	say(text: string, action?: Toast['action']): void {
		const id = this.#add({ tone: 'info', text, detail: '', ...(action ? { action } : {}) });
		setTimeout(() => this.dismiss(id), STAY_MS);
	}

	fail(thrown: unknown): void {
		const problem = asProblem(thrown);
		if (problem.isSessionOver) return; // the page shows the login instead
		this.#add({ tone: 'failed', text: problem.title, detail: problem.detail });
	}

	dismiss(id: number): void {
		this.all = this.all.filter((toast) => toast.id !== id);
	}

	#add(toast: Omit<Toast, 'id'>): number {
		const id = this.#next++;
		this.all = [...this.all.slice(-3), { ...toast, id }];
		return id;
	}
}

export const toasts = new Toasts();
