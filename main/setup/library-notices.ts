/** TensorFlow's notices of level "information": `I0000 00:00:1795591433.12  542 port.cc:153] ...`, and absl's preamble to them. */
const notice =
  /^(WARNING: All log messages before absl::InitializeLog\(\)|I\d{4} \d\d:\d\d:[\d.:]+\s+\d+ [\w.]+:\d+\])/;

/**
 * Standard error of a process that ran the engine, without TensorFlow's notices. The library prints one (oneDNN) while it
 * is being loaded, before any setting can stop it; to a reader it looks like a fault.
 */
export function withoutLibraryNotices(text: string): string {
  return text
    .split('\n')
    .filter((line) => !notice.test(line))
    .join('\n');
}
