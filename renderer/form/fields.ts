/** What the form shows of a specification's unions (workload, optimizer, data), read from their schema. */
import { z } from 'zod';

export type Control =
  'number' | 'numbers' | 'matrix' | 'text' | 'switch' | 'choice' | 'union' | 'group' | 'other';

export interface FieldShape {
  readonly name: string;
  readonly control: Control;
  /** Of a choice. */
  readonly options: readonly string[];
  /** Of a union. */
  readonly union: UnionShape | null;
  /** Of a group. */
  readonly fields: readonly FieldShape[];
  /** Undefined where it has to be given or may be absent. */
  readonly fallback: unknown;
}

export interface UnionShape {
  /** The field that tells the kinds apart: 'kind', 'source'. */
  readonly discriminator: string;
  readonly kinds: readonly { readonly kind: string; readonly fields: readonly FieldShape[] }[];
}

export function unionShape(schema: z.ZodDiscriminatedUnion): UnionShape {
  const { discriminator } = schema.def;
  return {
    discriminator,
    kinds: schema.options.flatMap((option) => {
      if (!(option instanceof z.ZodObject)) return [];
      const { [discriminator]: own, ...rest } = option.shape as Record<string, z.ZodType>;
      return own instanceof z.ZodLiteral
        ? [
            {
              kind: String(own.value),
              fields: fieldShapes(rest),
            },
          ]
        : [];
    }),
  };
}

function fieldShapes(fields: Record<string, z.ZodType>): FieldShape[] {
  return Object.entries(fields).map(([name, field]) => fieldShape(name, field));
}

function fieldShape(name: string, field: z.ZodType): FieldShape {
  const { schema, fallback } = unwrapped(field);
  const shape = { name, options: [], union: null, fields: [], fallback };
  if (schema instanceof z.ZodNumber) return { ...shape, control: 'number' };
  if (schema instanceof z.ZodBoolean) return { ...shape, control: 'switch' };
  if (schema instanceof z.ZodString) return { ...shape, control: 'text' };
  if (schema instanceof z.ZodEnum)
    return { ...shape, control: 'choice', options: schema.options.map(String) };
  if (schema instanceof z.ZodDiscriminatedUnion)
    return { ...shape, control: 'union', union: unionShape(schema) };
  if (schema instanceof z.ZodObject) return { ...shape, control: 'group', fields: fieldShapes(schema.shape) };
  if (schema instanceof z.ZodArray) {
    if (schema.element instanceof z.ZodNumber) return { ...shape, control: 'numbers' };
    if (schema.element instanceof z.ZodArray) return { ...shape, control: 'matrix' };
  }
  return { ...shape, control: 'other' };
}

function unwrapped(field: z.core.$ZodType): { schema: z.core.$ZodType; fallback: unknown } {
  if (field instanceof z.ZodDefault || field instanceof z.ZodPrefault)
    return { schema: unwrapped(field.unwrap()).schema, fallback: field.def.defaultValue };
  if (field instanceof z.ZodOptional || field instanceof z.ZodNullable) return unwrapped(field.unwrap());
  return { schema: field, fallback: undefined };
}
