import { describe, expect, it } from 'vitest';
import { checkColors, colorDistance, contrast, seenAs, visions } from '#shared/figure/color-vision.ts';
import { categoryColors, categorySets, colorMaps, lineColor, lossColor } from '#shared/figure/colors.ts';
import { DARK_PAPER, onDarkPaper } from '#shared/figure/dark.ts';
import { element } from '#shared/figure/tree.ts';

describe('colors as they are seen', () => {
  it('leaves greys alone in every vision', () => {
    for (const vision of visions)
      for (const grey of ['#000000', '#777777', '#ffffff'])
        expect(colorDistance(seenAs(grey, vision), grey)).toBeLessThan(1);
  });

  it('has the contrast of WCAG', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 6);
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.478, 2);
    expect(contrast('#ffffff', '#777777')).toBe(contrast('#777777', '#ffffff'));
  });

  it('makes red and green alike to those who lack one of their cones, not to others', () => {
    const [red, green] = ['#b03a2e', '#6b6b00'];
    expect(colorDistance(red, green)).toBeGreaterThan(50);
    expect(colorDistance(red, green, 'deuteranopia')).toBeLessThan(25);
    expect(colorDistance('#0000ff', '#ffff00', 'deuteranopia')).toBeGreaterThan(100);
  });

  it.each(categorySets)('%s: apart in every color vision', (set) => {
    const { closest } = checkColors(categoryColors[set], '#ffffff');
    for (const { vision, distance } of closest)
      if (vision !== 'grey') expect(distance, vision).toBeGreaterThan(10);
  });

  it.each(colorMaps)('%s: as dark in grey as its order says, for lines and losses', (map) => {
    const darkness = (color: string) => contrast(color, '#ffffff');
    const places = [0, 0.25, 0.5, 0.75, 1];
    const [lines, losses] = [
      places.map((place) => lineColor(place, map)),
      places.map((place) => lossColor(place, map)),
    ];
    expect(lines.map(darkness)).toEqual(lines.map(darkness).sort((a, b) => b - a));
    expect(losses.map(darkness)).toEqual(losses.map(darkness).sort((a, b) => a - b));
  });
});

describe('the check of colors', () => {
  it('warns of colors that are alike in some vision, and of faint ones', () => {
    const { warnings, faintest } = checkColors(['#d55e00', '#d55f02', '#f0e442'], '#ffffff');
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('deuteranopia');
    expect(faintest?.color).toBe('#f0e442');
    expect(warnings[1]).toMatch(/#f0e442 is faint on #ffffff: contrast 1\.\d, below 3/);
  });

  it('has nothing to say of one dark color, of a repeated one, or of none', () => {
    expect(checkColors(['#000000', '#000'], '#ffffff').warnings).toEqual([]);
    expect(checkColors([], '#ffffff')).toEqual({ closest: [], faintest: null, warnings: [] });
  });
});

describe('dark paper', () => {
  const stroke = (color: string) =>
    onDarkPaper(element('path', { stroke: color })).attributes.stroke as string;

  it('turns white paper to its own color and black ink to light', () => {
    expect(onDarkPaper(element('rect', { fill: '#ffffff' })).attributes.fill).toBe(DARK_PAPER);
    expect(contrast(stroke('#000000'), DARK_PAPER)).toBeGreaterThan(12);
  });

  it('lets every line stand out and keeps filled cells as they are', () => {
    for (const map of colorMaps)
      for (const place of [0, 0.2, 0.5, 1]) {
        expect(contrast(stroke(lineColor(place, map)), DARK_PAPER)).toBeGreaterThanOrEqual(2.9);
        const cell = lossColor(0.5, map);
        expect(onDarkPaper(element('rect', { fill: cell })).attributes.fill).toBe(cell);
      }
  });

  it('changes no text and no place', () => {
    const text = element('text', { x: 1, y: 2, fill: '#000000' }, ['η', element('tspan', { dy: -1 }, ['2'])]);
    expect(onDarkPaper(text)).toMatchObject({
      tag: 'text',
      attributes: { x: 1, y: 2 },
      children: ['η', { children: ['2'] }],
    });
  });
});
