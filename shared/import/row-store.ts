/**
 * The numbers of kept rows in the order of the file, in pages of typed arrays: 24 bytes a row and nothing that grows by
 * copying, so that a file of millions of rows fits.
 */

const PAGE = 1 << 15;

interface Page {
  readonly owners: Uint32Array;
  readonly lines: Uint32Array;
  readonly steps: Float64Array;
  readonly values: Float64Array;
}

export class RowStore {
  readonly #pages: Page[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** `owner` is the number of the cell that the row belongs to. */
  add(owner: number, line: number, step: number, value: number): void {
    const at = this.#length++ % PAGE;
    if (at === 0)
      this.#pages.push({
        owners: new Uint32Array(PAGE),
        lines: new Uint32Array(PAGE),
        steps: new Float64Array(PAGE),
        values: new Float64Array(PAGE),
      });
    const page = this.#pages[this.#pages.length - 1];
    page.owners[at] = owner;
    page.lines[at] = line;
    page.steps[at] = step;
    page.values[at] = value;
  }

  line(row: number): number {
    return this.#pages[Math.floor(row / PAGE)].lines[row % PAGE];
  }

  step(row: number): number {
    return this.#pages[Math.floor(row / PAGE)].steps[row % PAGE];
  }

  value(row: number): number {
    return this.#pages[Math.floor(row / PAGE)].values[row % PAGE];
  }

  /** Whether rows are in order of step, each step once; then so is the file. Rows without steps have NaN. */
  areAscending(rows: Uint32Array): boolean {
    let before = -Infinity;
    for (const row of rows) {
      const step = this.#pages[Math.floor(row / PAGE)].steps[row % PAGE];
      if (!(step > before)) return false;
      before = step;
    }
    return true;
  }

  /** Steps and values of rows. One loop over the pages: a call a number would leave a million small objects behind. */
  points(rows: Uint32Array): { steps: Float64Array; values: Float64Array } {
    const steps = new Float64Array(rows.length);
    const values = new Float64Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i];
      const page = this.#pages[Math.floor(row / PAGE)];
      steps[i] = page.steps[row % PAGE];
      values[i] = page.values[row % PAGE];
    }
    return { steps, values };
  }

  /** Rows of each owner, in the order of the file; 4 bytes a row. */
  byOwner(owners: number): (owner: number) => Uint32Array {
    const ends = new Uint32Array(owners + 1);
    const each = (use: (owner: number, row: number) => void) => {
      for (let row = 0; row < this.#length; row++)
        use(this.#pages[Math.floor(row / PAGE)].owners[row % PAGE], row);
    };
    each((owner) => (ends[owner + 1] = ends[owner + 1] + 1));
    for (let owner = 0; owner < owners; owner++) ends[owner + 1] = ends[owner + 1] + ends[owner];
    const rows = new Uint32Array(this.#length);
    const next = ends.slice(0, owners);
    each((owner, row) => {
      rows[next[owner]] = row;
      next[owner] = next[owner] + 1;
    });
    return (owner) => rows.subarray(ends[owner], ends[owner + 1]);
  }
}
