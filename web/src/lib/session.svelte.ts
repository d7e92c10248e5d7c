/** Who is logged in. The shell shows the login over the page when nobody is, so that nothing is lost. */
import type { components } from './schema';
import { api } from './api';
import { events } from './events.svelte';
import { asProblem, type Problem } from './problem';

type SessionState = 'unknown' | components['schemas']['Session']['state'];
type Scope = 'none' | 'read' | 'operate' | 'admin';

class Session {
	state = $state<SessionState>('unknown');
	user = $state('');
	scope = $state<Scope>('none');
	version = $state('');
	/** It was open before: say that it ended. */
	hasEnded = $state(false);
	/** Counts logins: what was refused before is asked for again. */
	generation = $state(0);
	isReachable = $state(true);
	problem = $state.raw<Problem | undefined>(undefined);
	#csrf = '';

	constructor() {
		api.use({
			csrf: () => this.#csrf,
			onSessionOver: () => this.#over(),
			onReach: (reached) => (this.isReachable = reached),
		});
	}

	mayOperate = $derived(this.scope === 'operate' || this.scope === 'admin');
	isAdmin = $derived(this.scope === 'admin');

	async look(): Promise<void> {
		try {
			this.#take(await api.get('/session'));
			this.problem = undefined;
		} catch (thrown) {
			this.problem = asProblem(thrown);
		}
	}

	async login(name: string, password: string): Promise<void> {
		this.#take(await api.post('/login', { body: { name, password } }));
	}

	/** The first user, with the token from the console. */
	async setup(token: string, name: string, password: string): Promise<void> {
		this.#take(await api.post('/setup', { body: { token, name, password } }));
	}

	async logout(): Promise<void> {
		const answer = await api.post('/logout');
		events.stop();
		this.#take(answer);
	}

	#take(answer: components['schemas']['Session']): void {
		this.version = answer.version;
		this.hasEnded = false;
		this.#csrf = answer.csrf ?? '';
		if (answer.state !== 'open') {
			this.state = answer.state;
			return;
		}
		this.user = answer.user ?? '';
		this.scope = answer.scope ?? 'read';
		this.state = 'open';
		this.generation++;
		events.start(() => this.#over());
	}

	#over(): void {
		if (this.state !== 'open') return;
		events.stop();
		this.hasEnded = true;
		this.state = 'login';
	}
}

export const session = new Session();
