export function runsTypeScript(version: string): boolean;
export function npmNode(require?: { resolve(id: string): string }, platform?: string): string | null;
export function noNodeMessage(): { message: string; wayOut: string };
