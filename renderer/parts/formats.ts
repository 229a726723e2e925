/** How numbers are written in the window. */

const MINUS = '\u2212';
/** Narrow and unbreakable, between thousands and before units. */
const THIN = '\u202f';

/** 3.2e-3: `digits` significant ones, without trailing zeros; never 0.00. */
export function learningRate(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return notFinite(value);
  const [mantissa, exponent] = value.toExponential(Math.max(0, digits - 1)).split('e');
  const shortest = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  return `${shortest}e${exponent.replace('+', '')}`.replaceAll('-', MINUS).replace(`e${MINUS}`, 'e-');
}

/** 1 024 */
export function count(value: number): string {
  if (!Number.isFinite(value)) return notFinite(value);
  const [whole, part] = Math.abs(value).toString().split('.');
  const grouped = whole.includes('e') ? whole : whole.replace(/\B(?=(\d{3})+$)/g, THIN);
  return `${value < 0 ? MINUS : ''}${grouped}${part === undefined ? '' : `.${part}`}`;
}

/** '1 cell', '1 920 cells' */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A loss or a share: `digits` significant ones. */
export function decimal(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return notFinite(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return learningRate(value, digits);
  return value.toPrecision(digits).replace(/e.*$/, '') === value.toPrecision(digits)
    ? value.toPrecision(digits).replace('-', MINUS)
    : count(Math.round(value));
}

/** 42 % */
export function percent(share: number): string {
  return Number.isFinite(share) ? `${Math.floor(100 * share + 1e-9)}${THIN}%` : notFinite(share);
}

/** 12 s, 4 min 5 s, 3 h 12 min, 2 d 5 h */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return notFinite(seconds);
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return s % 60 === 0 ? `${s / 60} min` : `${Math.floor(s / 60)} min ${s % 60} s`;
  const minutes = Math.round(s / 60);
  if (minutes < 48 * 60)
    return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(minutes / 60);
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Time left changes all the time: the larger unit is enough once minutes are many. */
export function timeLeft(seconds: number): string {
  return duration(seconds >= 600 && seconds < 3600 ? 60 * Math.round(seconds / 60) : seconds);
}

/** 820 B, 12.4 MB */
export function bytes(size: number): string {
  if (!Number.isFinite(size)) return notFinite(size);
  if (size < 1000) return `${Math.round(size)} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  const place = Math.min(units.length, Math.floor(Math.log10(size) / 3 + 1e-12));
  const value = size / 1000 ** place;
  return `${value < 99.95 ? value.toFixed(1) : value.toFixed(0)} ${units[place - 1]}`;
}

/** 2026-03-01 09:05, local. Swedish writes dates as ISO 8601 does. */
export function localTime(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' });
}

/** The same with seconds and the zone, for a hover. */
export function localTimeAndZone(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toLocaleString('sv-SE', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'longOffset',
  });
}

function notFinite(value: number): string {
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : `${MINUS}∞`;
}
