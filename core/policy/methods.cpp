// The table of methods, from the rows that methods.def names.
#include <algorithm>
#include <array>
#include <cctype>

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/policy/table.h"

namespace kvatlas::policy {

std::span<const Method> methods() {
  static const std::array table{
#define KVATLAS_METHOD(name) name##Method(),
#include "core/policy/methods.def"
#undef KVATLAS_METHOD
  };
  return table;
}

const Method& findMethod(std::string_view name) {
  std::vector<std::string> known;
  for (const Method& method : methods()) {
    if (method.name == name) return method;
    known.emplace_back(method.name);
  }
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  failUsage("unknown method '{}'{}", name, suggestion(lower, known));
}

}  // namespace kvatlas::policy
