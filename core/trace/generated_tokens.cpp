#include "core/trace/generated_tokens.h"

namespace kvatlas::trace {

std::string_view generatedText(const RunRecord& run, std::size_t index) {
  const auto& offsets = run.decode_offsets;
  if (index + 1 >= offsets.size() || offsets[index] > offsets[index + 1] || offsets[index + 1] > run.decode_text.size())
    return {};
  return std::string_view(run.decode_text).substr(offsets[index], offsets[index + 1] - offsets[index]);
}

}  // namespace kvatlas::trace
