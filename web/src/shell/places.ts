import type { IconName } from '$design/icons';

/** Where the navigation, the palette and the keys lead. */
export interface ShellPlace {
	href: string;
	label: string;
	icon: IconName;
	key: string;
}

export const places: readonly ShellPlace[] = [
	{ href: '/', label: 'Home', icon: 'home', key: 'h' },
	{ href: '/snapshots', label: 'Snapshots', icon: 'snapshot', key: 's' },
	{ href: '/compare', label: 'Compare', icon: 'compare', key: 'c' },
	{ href: '/runs', label: 'Runs', icon: 'activity', key: 'r' },
	{ href: '/settings', label: 'Settings', icon: 'settings', key: ',' },
];

export function isAt(place: ShellPlace, pathname: string): boolean {
	if (place.href === '/') return pathname === '/';
	return pathname === place.href || pathname.startsWith(`${place.href}/`);
}
