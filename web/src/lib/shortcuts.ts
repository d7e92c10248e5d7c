/** Keys for those who do not want to reach for the pointer: single ones, and "g h" one after the other. */

export type Shortcuts = Readonly<Record<string, () => void>>;

const PAUSE_MS = 1200;

function isTyping(target: EventTarget | null): boolean {
	const element = target as HTMLElement | null;
	return !!element?.closest?.('input, textarea, select, [contenteditable]');
}

/** Which shortcut a key completes; keeps the first key of two for a moment. */
export class KeySequence {
	#first = '';
	#at = 0;

	press(key: string, now: number, shortcuts: Shortcuts): string | null {
		const two = this.#first && now - this.#at < PAUSE_MS ? `${this.#first} ${key}` : '';
		if (two in shortcuts) {
			this.#first = '';
			return two;
		}
		const begins = Object.keys(shortcuts).some((name) => name.startsWith(`${key} `));
		this.#first = begins ? key : '';
		this.#at = now;
		return !begins && key in shortcuts ? key : null;
	}
}

/** Listens until what it returns is called. */
export function listenForShortcuts(shortcuts: Shortcuts): () => void {
	const sequence = new KeySequence();
	const onKey = (event: KeyboardEvent) => {
		const isPalette = (event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k';
		if (isPalette && shortcuts['mod+k']) {
			event.preventDefault();
			shortcuts['mod+k']();
			return;
		}
		if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented) return;
		if (isTyping(event.target) || document.querySelector('dialog[open]')) return;
		const name = sequence.press(event.key, event.timeStamp, shortcuts);
		if (!name) return;
		event.preventDefault();
		shortcuts[name]?.();
	};
	addEventListener('keydown', onKey);
	return () => removeEventListener('keydown', onKey);
}
