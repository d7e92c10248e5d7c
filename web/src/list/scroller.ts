/*
 * Where a list of fixed rows stands, when it may be taller than an element can be.
 *
 * Browsers end an element at some 17 to 33 million pixels, a million rows need 28. So the element that gives the
 * scroll bar is never taller than MAX_HEIGHT, and the place in the list ('top') is kept apart from the place
 * of the scroll bar: small moves (wheel, arrow, touch) move both by as much; a jump (a dragged bar, End) is
 * taken in proportion. The two drift apart by that; `settle` tells where the bar should stand once it is at rest, and
 * so does every move that meets an end of the bar before the end of the list.
 */
export const MAX_HEIGHT = 8_000_000;

export interface Window {
	/** The first row to draw, and the one behind the last. */
	first: number;
	end: number;
	/** Where the first one stands, in pixels of the scrolling element. */
	at: number;
}

export class Scroller {
	top = 0;
	private bar = 0;

	constructor(
		readonly rowHeight: number,
		public rows: number,
		public view: number,
	) {}

	get total(): number {
		return this.rows * this.rowHeight;
	}

	/** The height of the element that gives the bar. */
	get height(): number {
		return Math.min(this.total, MAX_HEIGHT);
	}

	get farthest(): number {
		return Math.max(0, this.total - this.view);
	}

	private get barEnd(): number {
		return Math.max(0, this.height - this.view);
	}

	private get isScaled(): boolean {
		return this.total > MAX_HEIGHT;
	}

	private toTop(bar: number): number {
		return this.barEnd === 0 ? 0 : (bar / this.barEnd) * this.farthest;
	}

	private toBar(top: number): number {
		return this.farthest === 0 ? 0 : (top / this.farthest) * this.barEnd;
	}

	/** The bar was moved to a place; the answer is where it must be set instead, or null. */
	moved(bar: number): number | null {
		const by = bar - this.bar;
		this.bar = bar;
		if (!this.isScaled) {
			this.top = Math.min(Math.max(0, bar), this.farthest);
			return null;
		}
		const isJump = Math.abs(by) > this.view * 2;
		this.top = isJump ? this.toTop(bar) : Math.min(Math.max(0, this.top + by), this.farthest);
		const isAtEnd = bar <= 0 || bar >= this.barEnd;
		const isListAtEnd = this.top <= 0 || this.top >= this.farthest;
		return isAtEnd !== isListAtEnd ? this.settle() : null;
	}

	/** Where the bar should stand, when it does not. */
	settle(): number | null {
		const bar = Math.round(this.toBar(this.top));
		// An end of the bar is for the end of the list alone: else one could not scroll on.
		const inside =
			this.top > 0 && this.top < this.farthest
				? Math.min(Math.max(1, bar), Math.max(1, this.barEnd - 1))
				: bar;
		if (Math.abs(inside - this.bar) < 1) return null;
		this.bar = inside;
		return inside;
	}

	/** Show a row: the answer is where the bar must be set, or null when nothing has to move. */
	reveal(row: number): number | null {
		const begin = row * this.rowHeight;
		if (begin >= this.top && begin + this.rowHeight <= this.top + this.view) return null;
		const top = begin < this.top ? begin : begin + this.rowHeight - this.view;
		return this.go(top);
	}

	/** As reveal, with the row at a third of the view when it was out of sight. */
	center(row: number): number | null {
		const begin = row * this.rowHeight;
		if (begin >= this.top && begin + this.rowHeight <= this.top + this.view) return null;
		return this.go(begin - this.view / 3);
	}

	private go(top: number): number {
		this.top = Math.min(Math.max(0, top), this.farthest);
		this.bar = this.isScaled ? Math.round(this.toBar(this.top)) : this.top;
		return this.bar;
	}

	/** Other rows, or another height of the view. */
	resize(rows: number, view: number): number | null {
		this.rows = rows;
		this.view = view;
		this.top = Math.min(this.top, this.farthest);
		return this.isScaled ? this.settle() : null;
	}

	window(overscan: number): Window {
		const first = Math.max(0, Math.floor(this.top / this.rowHeight) - overscan);
		const end = Math.min(
			this.rows,
			Math.ceil((this.top + this.view) / this.rowHeight) + overscan,
		);
		return { first, end, at: first * this.rowHeight - this.top + this.bar };
	}
}
