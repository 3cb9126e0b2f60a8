#include "app/cli/bundled.h"

namespace kvatlas::app {

std::filesystem::path bundled(const std::string& relative) {
  std::error_code code;
  const auto programme = std::filesystem::read_symlink("/proc/self/exe", code).parent_path();
  for (const char* folder : {"../../resources", "../share/kvatlas"})
    if (const auto path = programme / folder / relative; std::filesystem::exists(path, code))
      return std::filesystem::canonical(path);
  return {};
}

}  // namespace kvatlas::app
