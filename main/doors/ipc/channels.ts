/** The only channels between a window and the lab. */
export const channels = {
  /** Window → lab, with an answer: name and argument of a call. */
  call: 'surge:call',
  /** Window → lab: it wants news from now on. */
  listen: 'surge:listen',
  /** Window → lab: one piece of news has been dealt with. */
  taken: 'surge:taken',
  /** Lab → window. */
  news: 'surge:news',
  /** Lab → window: what was chosen in the menu. */
  command: 'surge:command',
} as const;
