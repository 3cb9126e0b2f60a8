#include "core/trace/question_output.h"

#include <fmt/format.h>

#include <string_view>

namespace kvatlas::trace {

std::filesystem::path questionOutput(const std::filesystem::path& output, std::size_t index, std::size_t count) {
  if (count <= 1) return output;
  constexpr std::string_view kEnding = ".kva.h5";
  std::string name = output.filename().string(), ending;
  const std::size_t dot = name.ends_with(kEnding) ? name.size() - kEnding.size() : name.rfind('.');
  if (dot != std::string::npos && dot > 0) ending = name.substr(dot);
  name.resize(name.size() - ending.size());
  return output.parent_path() / fmt::format("{}-q{}{}", name, index + 1, ending);
}

}  // namespace kvatlas::trace
