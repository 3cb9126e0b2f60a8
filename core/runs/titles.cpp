#include "core/runs/titles.h"

#include <fmt/format.h>

namespace kvatlas::runs {

std::string methodLabel(std::string_view method, const std::map<std::string, std::string, std::less<>>& given) {
  std::string label(method);
  const char* separator = ":";
  for (const auto& [name, value] : given) {
    label += fmt::format("{}{}={}", separator, name, value);
    separator = ",";
  }
  return label;
}

std::string methodLabel(const policy::MethodRequest& request) {
  return methodLabel(request.method->name, request.given);
}

std::string labelOf(const RunSetting& run) {
  return run.isFull() ? std::string(kFullMethod) : fmt::format("{} {}", methodLabel(run.request), run.budget.text);
}

std::string selectorOf(std::string_view method, std::string_view budget) {
  return fmt::format("{}@{}", method, budget);
}

std::string methodTitle(std::string_view method) {
  for (const policy::Method& known : policy::methods())
    if (known.name == method) return std::string(known.title);
  return std::string(method);
}

std::string titleOf(const RunSetting& run) {
  const std::string_view title = run.request.method->title;
  return run.budget.full ? std::string(title) : fmt::format("{} {}", title, run.budget.text);
}

std::string labelTitle(std::string_view method, std::string_view label) {
  const std::string title = methodTitle(method);
  if (label.empty() || label == method) return title;
  const bool named = label.starts_with(method) && label.substr(method.size()).starts_with(':');
  return fmt::format("{} ({})", title, named ? label.substr(method.size() + 1) : label);
}

}  // namespace kvatlas::runs
