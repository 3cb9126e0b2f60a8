#include "core/base/error.h"

#include <system_error>

namespace kvatlas {

std::string systemMessage(const std::string& path, int error_number) {
  return fmt::format("{}: {}", path, std::generic_category().message(error_number));
}

}  // namespace kvatlas
