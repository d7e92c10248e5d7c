export const LEAST = 10;

/** What is wrong with a new password; "" when nothing is, or nothing was typed yet. */
export function passwordFault(fresh: string, again: string): string {
	if (fresh === '') return '';
	if ([...fresh].length < LEAST) return `At least ${LEAST} characters`;
	if (again !== '' && again !== fresh) return 'The two are not the same';
	return '';
}

export function isReady(old: string, fresh: string, again: string): boolean {
	return old !== '' && fresh !== '' && fresh === again && passwordFault(fresh, again) === '';
}
