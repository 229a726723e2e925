// TensorFlow 2.21 logs through absl, which does not read TF_CPP_MIN_LOG_LEVEL: without this, a dozen notices reach stderr at
// each start whatever that variable says. Built into the addon; runs when the addon loads, before the library's first use.
// One notice (oneDNN) comes from the library's own start, before any code of ours: main/setup/library-notices.ts.
// SURGE_ABSL is the library's absl namespace (absl/base/options.h names it).
#include <cstdlib>

namespace absl {
inline namespace SURGE_ABSL {
enum class LogSeverityAtLeast : int;
// Weak: a library that does not export it still loads.
__attribute__((weak)) void SetMinLogLevel(LogSeverityAtLeast severity);
}  // namespace SURGE_ABSL
}  // namespace absl

namespace {
__attribute__((constructor)) void QuietLog() {
  const char* level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  if (level == nullptr || absl::SetMinLogLevel == nullptr) return;
  absl::SetMinLogLevel(static_cast<absl::LogSeverityAtLeast>(std::atoi(level)));
}
}  // namespace
