/**
 * Who may come in. The host listens on the loopback interface only, which is no protection by itself: any page of any
 * site can send requests there. So the address must be ours (DNS rebinding), requests of other sites are refused, and
 * everything needs a cookie that only the link with this start's token gives.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Without a hint in its time of how much was right. */
function isSame(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

export class Access {
  /** In the link that is printed; whoever has it may come in until the host ends. */
  readonly token = randomBytes(32).toString('base64url');
  readonly #secret = randomBytes(32).toString('base64url');
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  /** Cookies are not kept apart by port, so each host has a name of its own. */
  get #cookieName(): string {
    return `surge-lab-${this.#port}`;
  }

  cookie(): string {
    return `${this.#cookieName}=${this.#secret}; Path=/; HttpOnly; SameSite=Strict`;
  }

  isToken(given: string | null): boolean {
    return given !== null && isSame(given, this.token);
  }

  hasCookie(request: IncomingMessage): boolean {
    const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
    return pairs.some(([name, value = '']) => name === this.#cookieName && isSame(value, this.#secret));
  }

  /** Whether the request was meant for this host, by its own name. */
  isOurHost({ headers: { host } }: IncomingMessage): boolean {
    return host !== undefined && this.#hosts().includes(host.toLowerCase());
  }

  /** Whether a page of ours sent it. Programs that send no origin at all are not pages; `isRequired` refuses them too. */
  isOurOrigin({ headers: { origin, host } }: IncomingMessage, isRequired: boolean): boolean {
    if (origin === undefined) return !isRequired;
    return origin.toLowerCase() === `http://${host?.toLowerCase() ?? ''}`;
  }

  /** Browsers say whether another site made them ask. Following a link is fine: the cookie does not come along then. */
  isFromElsewhere({ headers }: IncomingMessage): boolean {
    const site = headers['sec-fetch-site'];
    return (site === 'cross-site' || site === 'same-site') && headers['sec-fetch-mode'] !== 'navigate';
  }

  #hosts(): string[] {
    return ['127.0.0.1', 'localhost'].map((name) => (this.#port === 80 ? name : `${name}:${this.#port}`));
  }
}
