#include "app/reference/reference_text.h"

#include <algorithm>

#include "core/base/error.h"

namespace kvatlas::app {

std::string functionName(const ReferenceCommand& programme) {
  std::string name = programme.words.front();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string shellQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string referenceText(const ReferenceCommand& programme, const std::string& kind) {
  if (kind == "man") return manualPage(programme);
  if (kind == "bash") return bashCompletion(programme);
  if (kind == "zsh") return zshCompletion(programme);
  if (kind == "fish") return fishCompletion(programme);
  failUsage("{}: unknown kind of reference; expected man, bash, zsh or fish", kind);
}

}  // namespace kvatlas::app
