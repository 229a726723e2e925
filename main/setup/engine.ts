/** Set-up's door for the other rooms: find, install and check the TensorFlow engine. */
export { checkEngine } from './check-engine.ts';
export type { CheckOptions, EngineProblem, EngineReady, EngineReport } from './check-engine.ts';
export { installEngine } from './install-engine.ts';
export type { InstallOptions } from './install-engine.ts';
export { locateEngine } from './locate-engine.ts';
export type { EngineLocation, LocateOptions } from './locate-engine.ts';
export type { EngineVariant } from './platform.ts';
export type { OnProgress, SetupProgress } from './progress.ts';
export { SetupError } from './setup-error.ts';
export type { SetupErrorCode } from './setup-error.ts';
