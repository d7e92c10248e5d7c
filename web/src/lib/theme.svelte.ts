/** Light, dark, or as the system has it. */
export type Theme = 'system' | 'light' | 'dark';

const systemDark = matchMedia('(prefers-color-scheme: dark)');

function stored(): Theme {
	try {
		const value = localStorage.getItem('theme');
		return value === 'light' || value === 'dark' ? value : 'system';
	} catch {
		return 'system';
	}
}

class ThemeChoice {
	chosen = $state<Theme>(stored());
	#systemIsDark = $state(systemDark.matches);
	isDark = $derived(this.chosen === 'dark' || (this.chosen === 'system' && this.#systemIsDark));

	constructor() {
		systemDark.addEventListener('change', () => {
			this.#systemIsDark = systemDark.matches;
			this.#show();
		});
	}

	choose(theme: Theme): void {
		this.chosen = theme;
		try {
			if (theme === 'system') localStorage.removeItem('theme');
			else localStorage.setItem('theme', theme);
		} catch {
			// Not kept, then: it counts until the page is left.
		}
		this.#show();
	}

	toggle(): void {
		this.choose(this.isDark ? 'light' : 'dark');
	}

	#show(): void {
		document.documentElement.dataset.theme = this.isDark ? 'dark' : 'light';
	}
}

export const theme = new ThemeChoice();
