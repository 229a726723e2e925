/** Attacks on the loopback host, each of which must fail. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { decodeFrame, encodeFrame } from '#shared/api/codec.ts';
import type { ApiError } from '#shared/api/errors.ts';
import type { WebClient } from '#renderer/client/web-client.ts';
import { spoiledCall } from '../../support/calls.ts';
import { connectWindow, hostLab, openSocket, PAGE, type Hosted } from '../../support/lab-host.ts';

let folder: string;
let hosted: Hosted;
let client: WebClient;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'surge-web-'));
  hosted = await hostLab(folder);
  writeFileSync(join(folder, 'secret.html'), 'secret');
  symlinkSync(join(folder, 'secret.html'), join(folder, 'window', 'link.html'));
  client = connectWindow(hosted);
});
afterAll(async () => {
  client.close();
  await hosted.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** fetch() would tidy paths and headers up; this sends them as they are. */
function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port: hosted.host.port,
        path,
        method,
        headers: { cookie: hosted.cookie, ...headers },
      },
      (response) => {
        let body = '';
        response.on('data', (data: Buffer) => (body += data.toString()));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      },
    );
    request.on('error', reject);
    request.end();
  });
}

/** Bytes as they are; the status line of what comes back. */
function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(hosted.host.port, '127.0.0.1', () => socket.end(text));
    let answer = '';
    socket.on('data', (data) => (answer += data.toString()));
    socket.on('close', () => resolve(answer.split('\r\n')[0]));
    socket.on('error', () => resolve(answer.split('\r\n')[0]));
  });
}

function upgrade(headers: Record<string, string>, path = '/lab'): Promise<number | 'open'> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${hosted.origin.replace('http', 'ws')}${path}`, { headers });
    socket.on('open', () => {
      socket.terminate();
      resolve('open');
    });
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
    socket.on('error', () => undefined);
  });
}

describe('the key', () => {
  it('opens with the link, and the cookie is for this host and no script', async () => {
    const answer = await ask(new URL(hosted.host.url).pathname + new URL(hosted.host.url).search, {
      cookie: '',
    });
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toBe('/');
    expect(String(answer.headers['set-cookie'])).toMatch(/; HttpOnly; SameSite=Strict$/);
    expect((await ask('/')).body).toBe(PAGE);
  });

  it.each([
    ['no token', '/open'],
    ['an empty token', '/open?token='],
    ['a wrong token', '/open?token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    ['a token in the path', '/open/AAAA'],
  ])('stays shut for %s', async (_, path) => {
    const answer = await ask(path, { cookie: '' });
    expect(answer.status).toBe(401);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('stays shut for the beginning of the token, and for one with more behind it', async () => {
    const token = new URL(hosted.host.url).searchParams.get('token')!;
    for (const near of [token.slice(0, -1), `${token}A`, token.toUpperCase()])
      expect((await ask(`/open?token=${near}`, { cookie: '' })).status).toBe(401);
  });

  it('is needed for every file and for the socket', async () => {
    const name = hosted.cookie.split('=')[0];
    for (const cookie of ['', `${name}=`, `${name}=AAAA`, `other=${hosted.cookie.split('=')[1]}`]) {
      for (const path of ['/', '/index.html', '/assets/main.js', '/nothing'])
        expect((await ask(path, { cookie })).status).toBe(401);
      expect(await upgrade({ origin: hosted.origin, cookie })).toBe(401);
    }
    expect(await upgrade({ origin: hosted.origin, cookie: hosted.cookie })).toBe('open');
  });

  it('is another one at each start', async () => {
    const other = mkdtempSync(join(tmpdir(), 'surge-web-'));
    const second = await hostLab(other);
    try {
      const token = new URL(second.host.url).search;
      expect((await ask(`/open${token}`, { cookie: '' })).status).toBe(401);
      expect((await ask('/', { cookie: second.cookie })).status).toBe(401);
    } finally {
      await second.close();
      rmSync(other, { recursive: true, force: true });
    }
  });
});

describe('other sites', () => {
  it.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', '127.0.0.1', '0.0.0.0', '[::1]'])(
    'cannot pass as this host by the name %j (DNS rebinding)',
    async (name) => {
      for (const host of [name, `${name}:${hosted.host.port}`].filter(
        (h) => h !== `127.0.0.1:${hosted.host.port}`,
      )) {
        expect((await ask('/', { host })).status).toBeOneOf([400, 421]);
        expect(await upgrade({ host, origin: `http://${host}`, cookie: hosted.cookie })).toBeOneOf([
          400, 421,
        ]);
      }
    },
  );

  it.each(['http://evil.example', 'null', 'https://127.0.0.1', 'http://127.0.0.1:1', 'file://', ''])(
    'cannot connect from the origin %j, cookie or not',
    async (origin) => {
      expect(await upgrade({ origin, cookie: hosted.cookie })).toBe(403);
      expect((await ask('/', { origin })).status).toBe(403);
    },
  );

  it('cannot connect without saying where they are from', async () => {
    expect(await upgrade({ cookie: hosted.cookie })).toBe(403);
  });

  it('cannot load our files into their pages', async () => {
    for (const site of ['cross-site', 'same-site'])
      expect(
        (await ask('/assets/main.js', { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' })).status,
      ).toBe(403);
  });

  it('find no other methods and no other sockets', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
      expect((await ask('/', {}, method)).status).toBe(405);
    expect(await upgrade({ origin: hosted.origin, cookie: hosted.cookie }, '/other')).toBe(404);
  });
});

describe('files', () => {
  it.each([
    '/../secret.html',
    '/..%2fsecret.html',
    '/%2e%2e/secret.html',
    '/%2e%2e%2fsecret.html',
    '/assets/../../secret.html',
    '/assets/..%5c..%5csecret.html',
    '/..\\secret.html',
    '//secret.html',
    '/./../secret.html',
    '/%252e%252e/secret.html',
    '/secret.html%00.js',
    '/link.html',
    '/../lab.surge',
    '/..%2flab.surge.spool/lab.jsonl',
    '/etc/passwd',
    '/%c0%ae%c0%ae/secret.html',
    '/%',
    '/.hidden.js',
    '/assets',
    '/assets/',
  ])('outside of the window are not reached by %j', async (path) => {
    const answer = await ask(path);
    expect(answer.status).toBeOneOf([400, 404]);
    expect(answer.body).not.toContain('secret');
  });

  it('are served with their type and never guessed at', async () => {
    const script = await ask('/assets/main.js');
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(script.headers['x-content-type-options']).toBe('nosniff');
    expect((await ask('/', {}, 'HEAD')).body).toBe('');
  });

  it('come with a policy that allows nothing of others and nothing inline, refusals included', async () => {
    for (const { headers } of [await ask('/'), await ask('/nothing'), await ask('/', { cookie: '' })]) {
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      for (const source of policy.match(/wss?:\S+?(?=;|\s)/g) ?? [])
        expect(source).toBeOneOf([
          `ws://127.0.0.1:${hosted.host.port}`,
          `ws://localhost:${hosted.host.port}`,
        ]);
    }
  });

  it('are refused to requests that are none', async () => {
    for (const text of [
      'GET\r\n\r\n',
      `${'A'.repeat(40_000)}\r\n\r\n`,
      'GET / HTTP/1.1\r\n\r\n',
      '\0\0\0\0\r\n\r\n',
    ])
      expect(await raw(text)).not.toContain('200');
    expect((await ask('/')).status).toBe(200);
  });
});

const slowDesign = {
  workload: { kind: 'mlp' },
  optimizer: { kind: 'sign' },
  learningRates: { list: [0.1, 0.2, 0.4] },
  batchSizes: { list: [1] },
  length: { steps: 4 },
};

describe('messages', () => {
  /** What becomes of a socket that sends this: the code it is closed with. */
  function closedAfter(data: Uint8Array | string): Promise<number> {
    return new Promise((resolve) => {
      const socket = openSocket(hosted);
      socket.on('open', () => socket.send(data));
      socket.on('error', () => undefined);
      socket.on('close', (code) => resolve(code));
    });
  }

  it('that are none close the connection, and only that one', async () => {
    expect(await closedAfter('text')).toBe(1003);
    expect(await closedAfter(new Uint8Array(0))).toBe(1007);
    expect(await closedAfter(new Uint8Array(50).fill(255))).toBe(1007);
    expect(await closedAfter(encodeFrame({ type: 'result', id: 1, result: 1 }))).toBe(1008);
    expect(
      await closedAfter(encodeFrame({ type: 'call', id: -1, name: 'lab.about', argument: undefined })),
    ).toBe(1008);
    expect(
      await closedAfter(encodeFrame({ type: 'call', id: 1, name: 'lab.about', argument: undefined, x: 1 })),
    ).toBe(1008);
    expect(await client.call('training.queue')).toMatchObject({ canTrain: true });
  });

  it('that are too large are not read to their end', async () => {
    const bytes = new Uint8Array(17 << 20);
    expect(await closedAfter(encodeFrame({ type: 'call', id: 1, name: 'x', argument: bytes }))).toBe(1009);
    expect(await client.call('training.queue')).toMatchObject({ canTrain: true });
  });

  it('of a wrong kind are answered as such, 10,000 of them, and change nothing', async () => {
    const before = await client.call('experiments.list', { archived: false });
    const socket = openSocket(hosted);
    const answers: { type: string; error?: { code: string } }[] = [];
    socket.on('message', (data: Buffer) => {
      const message = decodeFrame(data) as { type: string };
      if (message.type !== 'event') answers.push(message);
    });
    await new Promise((resolve) => socket.on('open', resolve));
    const spoiled = fc.sample(spoiledCall, 10_000);
    for (let i = 0; i < spoiled.length; i++) {
      socket.send(encodeFrame({ type: 'call', id: i, ...spoiled[i] }));
      // At most so many calls may wait at once.
      if (i % 100 === 99)
        while (answers.length < i + 1) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(new Set(answers.map(({ type, error }) => `${type} ${error?.code}`))).toEqual(
      new Set(['error bad-argument']),
    );
    socket.close();
    expect(await client.call('experiments.list', { archived: false })).toEqual(before);
    expect(hosted.faults).toEqual([]);
  });

  it('that come by the thousand without waiting are cut off', async () => {
    const socket = openSocket(hosted);
    const closed = new Promise<number>((resolve) => socket.on('close', (code) => resolve(code)));
    await new Promise((resolve) => socket.on('open', resolve));
    // Takes a while, since a process has to read the data.
    const input = { ...slowDesign, name: 'slow' };
    for (let id = 0; id < 1_000; id++)
      socket.send(encodeFrame({ type: 'call', id, name: 'design.preview', argument: { input } }));
    expect(await closed).toBe(1008);
  });
});

describe('names and paths from a window', () => {
  const hostile = '<img src=x onerror=alert(1)><script>alert(1)</script>';
  const text = (name: string) =>
    JSON.stringify({
      name,
      notes: hostile,
      workload: { kind: 'quadratic', mu: [1], sigma: [1], hessian: [[1]] },
      optimizer: { kind: 'sign' },
      learningRates: { list: [0.1, 0.2, 0.4] },
      batchSizes: { list: [1, 2] },
      length: { steps: 4 },
    });

  it('that hold script come back as the text they are, in no page', async () => {
    const { experiment } = await client.call('experiments.create', { text: text(hostile), start: false });
    await client.call('experiments.annotate', { experiment, tags: [hostile.slice(0, 40)] });
    const detail = await client.call('experiments.get', { experiment });
    expect(detail).toMatchObject({ name: hostile, notes: hostile, tags: [hostile.slice(0, 40)] });
    for (const path of ['/', `/${encodeURIComponent(hostile)}`])
      expect((await ask(path)).body).not.toContain('onerror');
  });

  it('never reach the disk: uploads, backups and experiments are named by the lab', async () => {
    const refusal = (promise: Promise<unknown>) =>
      promise.then(
        () => 'done',
        (error: ApiError) => error.code,
      );
    for (const backup of ['../lab.surge', '/etc/passwd', '..', 'lab.surge', 'lab.surge-lock'])
      expect(await refusal(client.call('store.restore', { backup }))).toBeOneOf([
        'bad-argument',
        'not-found',
      ]);
    for (const upload of ['../../../../etc/passwd', 'a'.repeat(32), '0'.repeat(32)])
      expect(await refusal(client.call('import.preview', { upload }))).toBeOneOf([
        'bad-argument',
        'not-found',
      ]);
    for (const experiment of ['../x', 'abcd/../..', '__proto__'])
      expect(await refusal(client.call('experiments.get', { experiment }))).toBe('bad-argument');
    const relative = text('x').replace(
      '{"kind":"quadratic","mu":[1],"sigma":[1],"hessian":[[1]]}',
      '{"kind":"mlp","data":{"source":"idx","images":"../../etc/passwd","labels":"x"}}',
    );
    expect(await refusal(client.call('experiments.create', { text: relative, start: false }))).toBe(
      'bad-argument',
    );
  });

  it('give uploads one place whatever they are called, and no other window can read them', async () => {
    for (const name of [
      '../../../evil.csv',
      '..',
      '/etc/passwd',
      'C:\\x\\y.csv',
      '.bashrc',
      'a\0b.csv',
      '\u202Egnp.csv',
    ]) {
      const bytes = new TextEncoder().encode('lr,batch_size,loss\n0.1,1,2\n');
      const { upload } = await client.call('upload.begin', { name, bytes: bytes.length });
      await client.call('upload.append', { upload, offset: 0, bytes });
      expect((await client.call('import.preview', { upload })).columns).toEqual(['lr', 'batch_size', 'loss']);
      const other = connectWindow(hosted);
      await expect(other.call('import.preview', { upload })).rejects.toMatchObject({ code: 'not-found' });
      other.close();
    }
  });

  it('cannot announce more than fits, nor send more than they announced', async () => {
    await expect(client.call('upload.begin', { name: 'x', bytes: 15 * 2 ** 30 })).rejects.toMatchObject({
      code: 'bad-argument',
    });
    const { upload } = await client.call('upload.begin', { name: 'x', bytes: 3 });
    const append = (offset: number, length: number) =>
      client.call('upload.append', { upload, offset, bytes: new Uint8Array(length) });
    await expect(append(0, 4)).rejects.toMatchObject({ code: 'bad-argument' });
    await expect(append(2, 1)).rejects.toMatchObject({ code: 'bad-argument' });
    expect(await append(0, 2)).toEqual({ bytes: 2 });
    expect(await append(0, 2)).toEqual({ bytes: 2 });
    await expect(client.call('import.preview', { upload })).rejects.toMatchObject({ code: 'not-possible' });
  });
});
