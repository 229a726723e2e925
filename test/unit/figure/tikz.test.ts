import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawText } from '#shared/figure/label.ts';
import { toLatex } from '#shared/figure/latex.ts';
import { toTikz } from '#shared/figure/tikz.ts';
import { element, page } from '#shared/figure/tree.ts';
import { cases } from './cases.ts';
import { moreCases } from './more-cases.ts';
import { predictionCases } from './prediction-cases.ts';
import { protocolCases } from './protocol-cases.ts';
import { scienceCases } from './science-cases.ts';
import { theoryCases } from './theory-cases.ts';

const tikz = (...nodes: Parameters<typeof page>[3]) =>
  toTikz(page(72, 36, 'title', nodes), {
    scale: 2,
    comments: ['a\nb'],
    tableFile: 'x-plots.csv',
  }).source.split('\n');

describe('LaTeX text', () => {
  it('escapes commands and writes Greek and signs as mathematics', () => {
    expect(toLatex('50 % of $x_1 & {y} #3 \\ ~^')).toBe(
      '50 \\% of \\$x\\_1 \\& \\{y\\} \\#3 \\textbackslash{} \\textasciitilde{}\\textasciicircum{}',
    );
    expect(toLatex('η = 2 × 10⁻³')).toBe(
      '\\ensuremath{\\eta} = 2 \\ensuremath{\\times} 10\\ensuremath{^{-}}\\ensuremath{^{3}}',
    );
    expect(toLatex('β₁')).toBe('\\ensuremath{\\beta}\\ensuremath{_{1}}');
    expect(toLatex('B', { italic: true })).toBe('\\textit{B}');
  });

  it('has balanced braces and no line break whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const latex = toLatex(text).replaceAll(/\\[{}]/g, '');
        let depth = 0;
        for (const character of latex) {
          if (character === '{') depth++;
          if (character === '}') depth--;
          expect(depth).toBeGreaterThanOrEqual(0);
        }
        expect(depth).toBe(0);
        expect(latex).not.toMatch(/[\n\r]/);
      }),
    );
  });
});

describe('TikZ', () => {
  it('keeps places, paints, and the size of the page', () => {
    const lines = tikz(
      element('rect', {
        x: 1,
        y: 2,
        width: 3,
        height: 4,
        fill: 'none',
        stroke: '#ff0000',
        'stroke-width': 0.5,
      }),
      element('g', { transform: 'translate(0 10)' }, [element('path', { d: 'M1 2L3 -4Z', fill: '#00ff00' })]),
      element('path', {
        d: 'M1 2h0.01',
        fill: 'none',
        stroke: '#ff0000',
        'stroke-dasharray': '3 1',
        'stroke-linecap': 'round',
      }),
    );
    expect(lines).toContain('% a b');
    expect(lines).toContain('\\definecolor{figure1}{HTML}{FF0000}%');
    expect(lines).toContain('\\path[use as bounding box] (0,0) rectangle (72,36);');
    expect(lines).toContain('\\path[draw=figure1,line width=1bp,line join=miter] (1,2) rectangle (4,6);');
    expect(lines).toContain('\\path[fill=figure2] (1,12) -- (3,6) -- cycle;');
    expect(lines.join('\n')).toContain('line cap=round,dash pattern=on 6bp off 2bp] (1,2) -- ++(0.01,0);');
  });

  it('sets superscripts and subscripts back on the line', () => {
    const label = [
      { text: '10' },
      { text: '−3', raised: true },
      { text: ' B' },
      { text: 'n', lowered: true },
    ];
    const [text] = tikz(drawText(label, 5, 6, { size: 7, color: '#000000', anchor: 'end' })).filter((line) =>
      line.startsWith('\\node'),
    );
    expect(text).toBe(
      '\\node[anchor=base east,inner sep=0pt] at (5,6) {\\fontsize{14bp}{16.8bp}\\selectfont 10\\textsuperscript{\\ensuremath{-}3} B\\textsubscript{n}};',
    );
  });

  it.each([...cases, ...scienceCases, ...protocolCases, ...theoryCases, ...predictionCases, ...moreCases])(
    'can write %s, with a table of numbers that has every column it reads',
    (_, draw) => {
      const { source, table } = toTikz(draw().tree, { scale: 1, comments: [], tableFile: 'x-plots.csv' });
      expect(source).not.toMatch(/NaN|undefined|Infinity/);
      expect(source.split('\\begin{axis}').length).toBe(source.split('\\end{axis}').length);
      const [names = [], ...rows] = (table ?? '')
        .trimEnd()
        .split('\n')
        .map((line) => line.split(','));
      const read = [...source.matchAll(/(?:x|y|minus|plus)=((?:x|y|minus|plus)\d+)/g)].map(
        ([, name]) => name,
      );
      expect(read.filter((name) => !names.includes(name))).toEqual([]);
      if (table !== null) expect(names.filter((name) => !read.includes(name))).toEqual([]);
      for (const row of rows)
        for (const value of row) if (value !== 'nan') expect(Number(value), value).toSatisfy(Number.isFinite);
    },
  );

  it('refuses what it does not know', () => {
    expect(() => tikz(element('image'))).toThrow(TypeError);
    expect(() => tikz(element('path', { d: 'M0 0C1 1 2 2 3 3' }))).toThrow(/TikZ: path/);
    expect(() => tikz(element('g', { transform: 'scale(2)' }))).toThrow(/transform/);
  });
});

describe('PGFPlots', () => {
  const written = (name: string) => {
    const draw = [...cases, ...scienceCases].find(([known]) => known === name)![1];
    const figure = draw();
    const { source, table } = toTikz(figure.tree, { scale: 1, comments: [], tableFile: 'x-plots.csv' });
    const [names, ...rows] = table!
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
    const column = (called: string) =>
      rows.map((row) => Number(row[names.indexOf(called)])).filter((value) => !Number.isNaN(value));
    /** Numbers of the plots whose options match. */
    const plots = (options: RegExp) =>
      source
        .split('\n')
        .filter((line) => line.startsWith('\\addplot') && options.test(line))
        .map((line) => Number(/x=x(\d+)/.exec(line)![1]));
    return { figure, source, column, plots };
  };

  it('plots the very numbers of the table of the figure', () => {
    const { figure, source, column, plots } = written('migration, ordinary');
    const { columns, rows } = figure.data;
    const of = (element: string, step: number, name: string) =>
      rows.filter((row) => row[0] === element && row[1] === step).map((row) => row[columns.indexOf(name)]);
    const lines = plots(/no marks/);
    // Three ridges and the path of the peak.
    expect(lines).toHaveLength(4);
    for (const [i, step] of [2, 10, 100].entries()) {
      expect(column(`x${lines[i]}`)).toEqual(of('ridge', step, 'batch_size'));
      expect(column(`y${lines[i]}`)).toEqual(of('ridge', step, 'learning_rate'));
    }
    const steps = rows.filter((row) => row[0] === 'peak').map((row) => row[1]);
    expect(column(`x${lines[3]}`)).toEqual(steps);
    const [bars] = plots(/y dir=both/);
    const ends = column(`y${bars}`).map((y, i) => y + column(`plus${bars}`)[i]);
    for (const [i, high] of of('ridge', 2, 'learning_rate_high').entries())
      expect(ends[i]).toBeCloseTo(Number(high), 12);
    expect(source).toContain('xtick={1,2,4,8,16,32}');
    expect(source).toContain('ylabel={optimal learning rate}');
    expect(source.split('\\begin{axis}')).toHaveLength(3);
  });

  it('draws what is not a plot where it stands: the cells of a heat map under their axes', () => {
    const { source } = written('losses, ordinary');
    expect(source).not.toMatch(/rectangle \(\d.*fill=/);
    const cells = toTikz(cases.get('heat map, ordinary')!().tree, {
      scale: 1,
      comments: [],
      tableFile: 'x-plots.csv',
    }).source;
    expect(cells.match(/ rectangle /g)!.length).toBeGreaterThan(54);
    expect(cells).toContain('tick align=outside');
    expect(cells.indexOf('\\begin{axis}')).toBeGreaterThan(cells.indexOf('fill=figure9'));
  });

  it('keeps values that TeX cannot place within ten lengths of the axis', () => {
    const { column, plots } = written('losses, three far away');
    const highest = Math.max(...plots(/no marks/).flatMap((plot) => column(`y${plot}`)));
    expect(highest).toBeGreaterThan(10);
    expect(highest).toBeLessThan(1_000);
  });

  it('lets the axis fall where the values do', () => {
    expect(written('migration, equal loss').source).toContain('x dir=reverse');
  });
});
