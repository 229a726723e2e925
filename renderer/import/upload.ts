import type { LabClient } from '#shared/api/client.ts';

/** Small enough for a message, large enough to keep a disk busy. */
const CHUNK = 1 << 20;

/** Sends a file in chunks; returns the upload's name. Throws ApiError, or DOMException 'AbortError' once `signal` says so. */
export async function uploadFile(
  client: LabClient,
  file: File,
  onShare: (share: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const { upload } = await client.call('upload.begin', { name: file.name, bytes: file.size });
  for (let offset = 0; offset < file.size; offset += CHUNK) {
    signal.throwIfAborted();
    const bytes = new Uint8Array(await file.slice(offset, offset + CHUNK).arrayBuffer());
    await client.call('upload.append', { upload, offset, bytes });
    onShare(Math.min(1, (offset + bytes.length) / file.size));
  }
  return upload;
}
