/** Errors cross as tagged results: what happened, for a program and for a person. */
import { z } from 'zod';

export const apiErrorCodes = [
  /** An argument is not what the contract says. */
  'bad-argument',
  'not-found',
  /** What was asked makes no sense in the present state (a running experiment deleted, a figure without data). */
  'not-possible',
  'read-only',
  'disk-full',
  'damaged-store',
  'engine-missing',
  /** The connection broke before an answer came; whether the call took effect is not known. */
  'disconnected',
  /** A fault of the lab itself. */
  'internal',
] as const;
export type ApiErrorCode = (typeof apiErrorCodes)[number];

export const apiErrorSchema = z.strictObject({
  code: z.enum(apiErrorCodes),
  /** What happened, what is safe, what to do. */
  message: z.string(),
  /** Path of the argument at fault, '' otherwise. */
  path: z.string().default(''),
});

export class ApiError extends Error {
  readonly code: ApiErrorCode;
  readonly path: string;

  constructor(code: ApiErrorCode, message: string, path = '') {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.path = path;
  }
}
