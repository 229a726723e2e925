/** What passes over a connection: calls to the lab, their answers, and events. */
import { z } from 'zod';
import type { EventName, EventPayload } from './contract.ts';
import { apiErrorSchema } from './errors.ts';

/** From a window to the lab. The argument is parsed by the schema of its call, later. */
export const callMessageSchema = z.strictObject({
  type: z.literal('call'),
  /** Chosen by the window; its answer carries it. */
  id: z.number().int().nonnegative(),
  name: z.string().max(100),
  argument: z.unknown(),
});

/** From the lab to a window. */
export const labMessageSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('result'), id: z.number(), result: z.unknown() }),
  z.strictObject({ type: z.literal('error'), id: z.number(), error: apiErrorSchema }),
  z.strictObject({ type: z.literal('event'), name: z.string(), payload: z.unknown() }),
]);
export type LabMessage = z.output<typeof labMessageSchema>;

/** An event with its payload. */
export type LabNews = {
  [Name in EventName]: { readonly name: Name; readonly payload: EventPayload<Name> };
}[EventName];
