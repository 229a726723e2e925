/** Line drawings on a 16 × 16 field, stroke 1.4. */
export const icons = {
  list: 'M2.5 4h2M2.5 8h2M2.5 12h2M7 4h6.5M7 8h6.5M7 12h6.5',
  compare: 'M2 12.5C4.5 12 5 4.5 7 4.500s2.5 6 5 8M6 12.5c2-.5 2.5-6 4-6s2 4.5 4 6',
  theory: 'M2 13.500V2.500M2 13.500h12M3.5 12C6 12 6 5 8.5 5s3 4 5 5',
  figure: 'M3 1.800h7l3 3v9.400H3zM10 1.800v3h3M5 11.500l2-3 2 1.5 2-3',
  import: 'M8 2v7.500M5 6.800l3 3 3-3M2.5 11v2.500h11V11',
  settings: 'M2 4.500h6.500M11.5 4.500H14M2 11.500h2.500M7.5 11.500H14M10 3v3M6 10v3',
  plus: 'M8 3v10M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  more: 'M3 7.6h.8v.8H3zM7.6 7.6h.8v.8h-.8zM12.2 7.6h.8v.8h-.8z',
  search: 'M7 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8M10 10l3.5 3.5',
  left: 'M10 3.500L5.5 8l4.5 4.5',
  right: 'M6 3.500L10.5 8 6 12.5',
  down: 'M3.5 6L8 10.5 12.5 6',
  pause: 'M5.5 3.500v9M10.5 3.500v9',
  play: 'M5 3.200v9.600L12.5 8z',
  warning: 'M8 2.500l6 11H2zM8 6.500v3M8 11.600v.01',
  check: 'M3 8.500l3.5 3.500L13 4.5',
  help: 'M6 6a2 2 0 1 1 2.6 1.900c-.4.2-.6.5-.6 1v.4M8 11.600v.01',
} as const;

export type IconName = keyof typeof icons;
