/**
 * Styles that did not come are asked for again. Vite asks for those of a view only once: the view would be shown
 * without them when it is loaded again.
 */

const failed = new Set<HTMLLinkElement>();

/** From now on it is known which styles do not come. */
export function watchStyles(): void {
	// An error of a link does not bubble.
	addEventListener(
		'error',
		(event) => {
			if (event.target instanceof HTMLLinkElement && event.target.rel === 'stylesheet') failed.add(event.target);
		},
		true,
	);
}

/** Throws when one fails again. */
export async function askForStylesAgain(): Promise<void> {
	await Promise.all([...failed].map(replace));
}

function replace(link: HTMLLinkElement): Promise<void> {
	return new Promise((done, fail) => {
		const fresh = document.createElement('link');
		fresh.rel = 'stylesheet';
		fresh.href = link.href;
		fresh.addEventListener('load', () => done());
		fresh.addEventListener('error', () => fail(new Error(`${fresh.href} does not come`)));
		failed.delete(link);
		link.replaceWith(fresh);
	});
}
