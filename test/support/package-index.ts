/** A package index on the loopback interface, whose connections break as a test wants. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { tensorflowRequirement, wheelPlatforms } from '#main/setup/wheels.ts';

const PROJECT = tensorflowRequirement('cpu').split('==')[0];

/** Writes a small wheel of TensorFlow for this machine with RECORD; `spoil` names a member whose stored bytes differ from its recorded checksum. */
export function makeWheel(
  python: string,
  folder: string,
  members: Record<string, string>,
  { spoil = '', unrecorded = '' } = {},
): string {
  const wheel = join(
    folder,
    `${PROJECT.replace('-', '_')}-2.21.0-cp312-cp312-${wheelPlatforms().at(-1)}.whl`,
  );
  const script = `
import base64, hashlib, json, os, sys, zipfile
wheel, spoil, unrecorded, members = *sys.argv[1:4], json.load(sys.stdin)
record = []
with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
    for name, text in members.items():
        data = text.encode()
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        if name != unrecorded:
            record.append(f"{name},sha256={digest},{len(data)}")
        archive.writestr(name, b"x" * len(data) if name == spoil else data)
    info = os.path.basename(wheel).split("-")[0] + "-2.21.0.dist-info"
    archive.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: " + os.path.basename(wheel).split("-")[0] + "\\nVersion: 2.21.0\\nRequires-Dist: numpy\\nRequires-Dist: nvidia-nccl-cu12<3; extra == \\"and-cuda\\"\\n\\nRequires-Dist: body-text\\n")
    archive.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: py3-none-any\\n")
    archive.writestr(info + "/RECORD", "\\n".join(record + [info + "/RECORD,,"]))
`;
  const made = spawnSync(python, ['-c', script, wheel, spoil, unrecorded], {
    encoding: 'utf8',
    input: JSON.stringify(members),
  });
  if (made.status !== 0) throw new Error(made.stderr);
  return wheel;
}

/** Of pip, for this index alone: what the machine is set to does not count. */
export function pipSettings(url: string): Record<string, string> {
  const set = Object.keys(process.env).filter((name) => name.startsWith('PIP_'));
  return {
    ...Object.fromEntries(set.map((name) => [name, ''])),
    PIP_CONFIG_FILE: '/dev/null',
    PIP_INDEX_URL: url,
    NO_PROXY: '127.0.0.1',
    no_proxy: '127.0.0.1',
  };
}

export interface PackageIndex {
  /** As pip is told with PIP_INDEX_URL. */
  readonly url: string;
  /** First byte that was asked for, of every request for a file. */
  readonly asked: readonly number[];
  /**
   * Bytes of the answers to come, in turn, before the connection breaks; without an entry the whole file comes.
   * Before Infinity it stays open, and nothing more comes.
   */
  readonly breaks: number[];
  close(): void;
}

export interface IndexOptions {
  /** How the list of files is written. Default JSON. */
  readonly html?: boolean;
  /** Whether parts of a file can be asked for. Default true. */
  readonly parts?: boolean;
  /** The checksum that the index names, when it is not the file's. */
  readonly sha256?: string;
}

/** Serves `wheel` as a file of its project, beside others that do not fit. */
export async function servePackages(wheel: string, options: IndexOptions = {}): Promise<PackageIndex> {
  const { html = false, parts = true } = options;
  const bytes = readFileSync(wheel);
  const name = basename(wheel);
  const sha256 = options.sha256 ?? createHash('sha256').update(bytes).digest('hex');
  const others = [
    name.replace(/manylinux\w+|macosx\w+/, 'win_amd64'),
    name.replace('2.21.0', '2.22.0'),
    name.replace('cp312-cp312', 'cp311-cp311'),
    'tensorflow-2.21.0.tar.gz',
  ];
  const asked: number[] = [];
  const breaks: number[] = [];
  const server = createServer((request, response) => {
    if (request.url === `/simple/${PROJECT}/`) {
      const files = [...others, name].map((filename) => ({
        filename,
        url: `../../files/${filename}`,
        hashes: { sha256 },
      }));
      const links = files.map(({ filename, url }) => `<a href="${url}#sha256=${sha256}">${filename}</a>`);
      response
        .setHeader('Content-Type', html ? 'text/html' : 'application/vnd.pypi.simple.v1+json')
        .end(html ? links.join('<br>') : JSON.stringify({ meta: { 'api-version': '1.0' }, files }));
      return;
    }
    if (request.url !== `/files/${name}`) return void response.writeHead(404).end();
    const first = parts ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    asked.push(first);
    if (first >= bytes.length) return void response.writeHead(416).end();
    response.writeHead(first > 0 ? 206 : 200, {
      'Content-Length': bytes.length - first,
      ...(first > 0 ? { 'Content-Range': `bytes ${first}-${bytes.length - 1}/${bytes.length}` } : {}),
    });
    const most = breaks.shift();
    if (most === undefined) return void response.end(bytes.subarray(first));
    response.write(bytes.subarray(first, first + most), () => {
      if (breaks.at(0) !== Infinity) response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`,
    asked,
    breaks,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
