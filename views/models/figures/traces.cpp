#include "views/models/figures/traces.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"

namespace kvatlas::views {
namespace {

std::string stemOf(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  for (const char* ending : {".part", ".h5", ".kva"})
    if (name.ends_with(ending)) name.resize(name.size() - std::string(ending).size());
  return name;
}

}  // namespace

std::vector<std::string> traceNames(const Traces& traces) {
  if (traces.size() == 1) return {""};
  std::vector<std::string> stems, names;
  for (const trace::Reader* trace : traces) stems.push_back(stemOf(trace->path()));
  for (std::size_t i = 0; i < traces.size(); ++i) {
    std::error_code code;
    const std::string folder = std::filesystem::absolute(traces[i]->path(), code).parent_path().filename().string();
    const bool alike = std::count(stems.begin(), stems.end(), stems[i]) > 1;
    names.push_back(alike ? folder + "/" + stems[i] : stems[i]);
  }
  for (std::size_t i = 0; i < names.size(); ++i)
    if (std::count(names.begin(), names.end(), names[i]) > 1) names[i] += fmt::format(" #{}", i + 1);
  return names;
}

void requireOneTokenisation(const Traces& traces) {
  const trace::Reader& first = *traces.front();
  const std::vector<TokenId>& ids = first.header().prompt.ids;
  for (const trace::Reader* other : traces) {
    const std::vector<TokenId>& others = other->header().prompt.ids;
    if (ids == others) continue;
    const std::string files = fmt::format("{} and {}", first.path().string(), other->path().string());
    if (ids.size() != others.size())
      fail("{} have different numbers of tokens: {} and {}", files, ids.size(), others.size());
    const auto at = std::mismatch(ids.begin(), ids.end(), others.begin()).first - ids.begin();
    fail("{} have different tokens: the first difference is at position {}", files, at);
  }
}

}  // namespace kvatlas::views
