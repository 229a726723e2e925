import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toCsv } from '#shared/figure/csv.ts';
import { clippedLine, drawWhisker, position } from '#shared/figure/panel.ts';
import { robustHighest, wantsLogarithm } from '#shared/figure/robust.ts';
import { linearAxis, logAxis } from '#shared/figure/scales.ts';
import { fitText, textWidth } from '#shared/figure/text-width.ts';
import { element, formatNumber, page, serialise } from '#shared/figure/tree.ts';
import { parseXml } from './xml.ts';

describe('SVG text', () => {
  it('rounds to three decimals without exponent or negative zero, and refuses what is not a number', () => {
    expect(formatNumber(-0.0001)).toBe('0');
    expect(formatNumber(1 / 3)).toBe('0.333');
    expect(formatNumber(1e-9)).toBe('0');
    expect(formatNumber(120)).toBe('120');
    expect(() => formatNumber(NaN)).toThrow('coordinate');
    expect(() => formatNumber(Infinity)).toThrow('coordinate');
  });

  it('is well-formed whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const tree = page(10, 10, text, [element('text', { x: 1, fill: text }, [text])]);
        expect(() => parseXml(serialise(tree))).not.toThrow();
      }),
    );
  });

  it('has its size in millimetres and its coordinates in points', () => {
    const { attributes } = page(72, 36, '', []);
    expect(attributes).toMatchObject({ width: '25.4mm', height: '12.7mm', viewBox: '0 0 72 36' });
  });
});

describe('width of text', () => {
  it('adds the advance widths of the face', () => {
    expect(textWidth('10', 2048, { face: 'sans' })).toBe(2 * 1303);
    expect(textWidth('− η', 2048, { face: 'sans' })).toBe(1716 + 651 + 1298);
    expect(textWidth('', 10, { face: 'serif' })).toBe(0);
  });

  it('counts what is not in the face as wide, and what joins a letter as nothing', () => {
    expect(textWidth('学', 10, { face: 'sans' })).toBe(10);
    expect(textWidth('x\u0302', 10, { face: 'sans' })).toBe(textWidth('x', 10, { face: 'sans' }));
  });

  it('cuts what does not fit and marks the cut', () => {
    fc.assert(
      fc.property(fc.string(), fc.double({ min: 0, max: 80, noNaN: true }), (text, width) => {
        const fitted = fitText(text, 7, width, { face: 'sans' });
        expect(textWidth(fitted, 7, { face: 'sans' })).toBeLessThanOrEqual(width + 1e-9);
        if (fitted !== text && fitted !== '') expect(fitted.endsWith('…')).toBe(true);
      }),
    );
  });
});

describe('robust range', () => {
  it('lets three blown-up runs not crush a thousand good ones', () => {
    const good = Array.from({ length: 1_000 }, (_, i) => 0.3 + i / 1_000);
    expect(robustHighest([...good, 50, 1e4, 1e30, NaN, Infinity], false)).toBe(good.at(-1));
    expect(robustHighest([...good, 50, 1e4, 1e30], true)).toBe(good.at(-1));
  });

  it('keeps everything when values are few, equal or close', () => {
    expect(robustHighest([1, 2, 100], false)).toBe(100);
    expect(robustHighest([...new Array<number>(20).fill(1), 2], false)).toBe(2);
    expect(robustHighest([], true)).toBe(-Infinity);
  });

  it('wants a logarithm for positive values a factor of ten apart only', () => {
    expect(wantsLogarithm([0.1, 1])).toBe(true);
    expect(wantsLogarithm([0.2, 1])).toBe(false);
    expect(wantsLogarithm([0, 100])).toBe(false);
    expect(wantsLogarithm([])).toBe(false);
  });
});

describe('lines and intervals at the side of a panel', () => {
  const box = { x: 0, y: 0, width: 100, height: 100 };
  const coordinate = fc.double({ min: -500, max: 500, noNaN: true });

  it('cuts a line at the box and loses nothing inside', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.double({ min: 0, max: 100, noNaN: true }), coordinate)), (points) => {
        const pieces = clippedLine(points, box);
        for (const [, y] of pieces.flat()) {
          expect(y).toBeGreaterThanOrEqual(-1e-9);
          expect(y).toBeLessThanOrEqual(100 + 1e-9);
        }
        const drawn = pieces.flat();
        if (points.length > 1)
          for (const [x, y] of points)
            if (y > 0 && y < 100)
              expect(drawn.some(([u, v]) => Math.abs(u - x) < 1e-6 && Math.abs(v - y) < 1e-6)).toBe(true);
      }),
    );
  });

  it('goes on where it should after a loss just short of overflow', () => {
    const panel = { box, x: logAxis([1e-4, 1e-1]), y: linearAxis([0.2, 2.4]) };
    for (const far of [1e6, 1e15, 1e20, 3e38, 1e308, -1e308]) {
      const points = [
        [1e-3, 1],
        [3e-3, far],
        [1e-2, 1.5],
      ].map(([rate, loss]) => position(panel, rate, loss)!);
      const pieces = clippedLine(points, box);
      const end = pieces.at(-1)!.at(-1)!;
      expect(pieces).toHaveLength(2);
      expect(end[0]).toBeCloseTo(points[2][0], 6);
      expect(end[1]).toBeCloseTo((100 * 0.9) / 2.2, 6);
    }
  });

  it('ends an interval beyond the axis at its side and says so', () => {
    const panel = { box, x: linearAxis([0, 1]), y: linearAxis([0, 1]) };
    const stroke = { color: '#000000', width: 1 };
    expect(drawWhisker(panel, 'vertical', 0.2, 0.8, 0.5, stroke)?.clipped).toBe(false);
    expect(drawWhisker(panel, 'vertical', 0.2, 8, 0.5, stroke)?.clipped).toBe(true);
    expect(drawWhisker(panel, 'vertical', 5, 8, 0.5, stroke)?.clipped).toBe(true);
    expect(drawWhisker(panel, 'vertical', NaN, 8, 0.5, stroke)).toBeNull();
  });
});

describe('CSV of the drawn data', () => {
  it('keeps every bit of a number, writes non-finite ones and quotes', () => {
    const csv = toCsv({
      columns: ['a', 'b,c'],
      rows: [
        [0.1 + 0.2, 'say "no"'],
        [NaN, null],
        [-Infinity, 'x'],
      ],
    });
    expect(csv).toBe('a,"b,c"\n0.30000000000000004,"say ""no"""\nNaN,\n-Infinity,x\n');
  });
});
