/** Pages live in the hash: #/watch/KEY?mark=40 is page 'watch', key 'KEY', query mark=40. */

export interface Route {
  /** 'experiments', 'watch', 'design', …; the first part of the path. */
  readonly page: string;
  /** The second part; '' where there is none. */
  readonly key: string;
  readonly query: URLSearchParams;
}

export function parseHash(hash: string): Route {
  const [path, query = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const [page, key = ''] = path.split('/');
  return { page: page === '' ? 'experiments' : page, key: decoded(key), query: new URLSearchParams(query) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** href('watch', 'abcd', { mark: '40' }) is '#/watch/abcd?mark=40'. */
export function href(page: string, key = '', query: Readonly<Record<string, string>> = {}): string {
  const search = new URLSearchParams(query).toString();
  return `#/${page}${key === '' ? '' : `/${encodeURIComponent(key)}`}${search === '' ? '' : `?${search}`}`;
}

export class Router {
  route: Route = $state.raw(parseHash(location.hash));

  constructor() {
    addEventListener('hashchange', () => (this.route = parseHash(location.hash)));
  }

  /** `replace` leaves no step in the history, for what a page changes about itself. */
  go(to: string, replace = false): void {
    if (replace) {
      history.replaceState(null, '', to);
      this.route = parseHash(to);
    } else location.hash = to;
  }
}
