#include "core/trace/space.h"

#include "core/base/error.h"

namespace kvatlas::trace {

std::optional<std::uint64_t> freeBytesFor(const std::filesystem::path& target) {
  std::error_code code;
  const auto folder = target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
  const auto space = std::filesystem::space(folder, code);
  if (code) return std::nullopt;
  return space.available;
}

void requireSpace(const std::filesystem::path& target, std::uint64_t needed, std::optional<std::uint64_t> free,
                  const std::string& remedy) {
  if (!free || *free >= needed) return;
  fail("{}: the trace needs about {}, {} are free on that disk; {} make it smaller", target.string(), sizeText(needed),
       sizeText(*free), remedy);
}

std::string sizeText(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (value >= 1e9) return fmt::format("{:.1f} GB", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.0f} MB", value / 1e6);
  return fmt::format("{:.0f} kB", value / 1e3);
}

}  // namespace kvatlas::trace
