#!/usr/bin/env node
// The installed command `surge`: the launcher with its first argument filled in.
process.argv.splice(2, 0, 'surge');
await import('./launch.mjs');
