/** What the cases have in common. */
const MILLIMETRE = 72 / 25.4;
export const FULL = 183 * MILLIMETRE;
export const COLUMN = 89 * MILLIMETRE;
/** Signs that must be escaped in XML. */
export const NAME = 'digits <sign> & descent';
