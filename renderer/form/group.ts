import type { Editable } from './editable.ts';
import type { Path } from './tree.ts';

/** The draft for the fields of a group that may be absent: a group without any field left is taken away. */
export function withinGroup(draft: Editable, group: Path): Editable {
  return {
    get: (path) => draft.get(path),
    problemAt: (path, inside) => draft.problemAt(path, inside),
    set(path, value) {
      draft.set(path, value);
      const left = draft.get(group);
      if (typeof left === 'object' && left !== null && Object.keys(left).length === 0)
        draft.set(group, undefined);
    },
  };
}
