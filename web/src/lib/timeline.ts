/** A run drawn to scale: its steps one after the other, and when services were quiet. */
import type { Schemas } from './types';

export interface Segment {
	text: string;
	/** Of the whole, 0 to 1. */
	left: number;
	width: number;
	ms: number;
	isNow: boolean;
}

export interface Band {
	service: string;
	left: number;
	width: number;
	ms: number;
	isNow: boolean;
}

export interface Timeline {
	beginMs: number;
	lengthMs: number;
	steps: Segment[];
	bands: Band[];
	/** Round moments, as parts of the whole. */
	ticks: { left: number; ms: number }[];
}

const MOST_TICKS = 7;
const STEPS_MS = [50, 100, 250, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000];

export function timeline(
	phases: readonly Schemas['Phase'][],
	quiet: readonly Schemas['Quiet'][],
	beginNs: number,
	endNs: number,
	/** For so many moments there is room. */
	most = MOST_TICKS,
): Timeline {
	const begin = Math.min(beginNs, ...phases.map((phase) => phase.begin_ns), ...quiet.map((one) => one.begin_ns));
	const length = Math.max(1, endNs - begin);
	// Clocks may have been set meanwhile: nothing is drawn outside of the whole.
	const within = (at: number) => Math.min(1, Math.max(0, (at - begin) / length));
	const place = (from: number, to: number | undefined) => {
		const end = Math.max(to ?? endNs, from);
		const left = within(from);
		return { left, width: within(end) - left, ms: (end - from) / 1e6, isNow: to === undefined };
	};
	const lengthMs = length / 1e6;
	return {
		beginMs: begin / 1e6,
		lengthMs,
		steps: phases.map((phase) => ({ text: phase.text, ...place(phase.begin_ns, phase.end_ns) })),
		bands: quiet.map((one) => ({ service: one.service, ...place(one.begin_ns, one.end_ns) })),
		ticks: ticks(lengthMs, Math.min(MOST_TICKS, Math.max(2, most))),
	};
}

/** Round moments, so many or fewer beside the first. */
function ticks(lengthMs: number, most: number): { left: number; ms: number }[] {
	const step = STEPS_MS.find((one) => lengthMs / one <= most) ?? lengthMs / most;
	return Array.from({ length: Math.floor(lengthMs / step) + 1 }, (_, i) => ({ left: (i * step) / lengthMs, ms: i * step }));
}
