import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawText } from '#shared/figure/label.ts';
import { toLatex } from '#shared/figure/latex.ts';
import { toTikz } from '#shared/figure/tikz.ts';
import { element, page } from '#shared/figure/tree.ts';
import { cases } from './cases.ts';
import { scienceCases } from './science-cases.ts';

const tikz = (...nodes: Parameters<typeof page>[3]) =>
  toTikz(page(72, 36, 'title', nodes), { scale: 2, comments: ['a\nb'] }).split('\n');

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

  it.each([...cases, ...scienceCases])('can write %s', (_, draw) => {
    const { tree } = draw();
    expect(toTikz(tree, { scale: 1, comments: [] })).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('refuses what it does not know', () => {
    expect(() => tikz(element('image'))).toThrow(TypeError);
    expect(() => tikz(element('path', { d: 'M0 0C1 1 2 2 3 3' }))).toThrow(/TikZ: path/);
    expect(() => tikz(element('g', { transform: 'scale(2)' }))).toThrow(/transform/);
  });
});
