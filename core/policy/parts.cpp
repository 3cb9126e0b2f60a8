// The tables of parts.
#include <array>

#include "core/policy/rows.h"

namespace kvatlas::policy {

std::span<const ScorePart> scoreParts() {
  static const std::array table{
#define KVATLAS_SCORE(name) name##Score(),
#include "core/policy/parts.def"
  };
  return table;
}

std::span<const AllocatePart> allocateParts() {
  static const std::array table{
#define KVATLAS_ALLOCATE(name) name##Allocation(),
#include "core/policy/parts.def"
  };
  return table;
}

std::span<const SelectPart> selectParts() {
  static const std::array table{
#define KVATLAS_SELECT(name) name##Selection(),
#include "core/policy/parts.def"
  };
  return table;
}

std::span<const StorePart> storeParts() {
  static const std::array table{
#define KVATLAS_STORE(name) name##Store(),
#include "core/policy/parts.def"
  };
  return table;
}

}  // namespace kvatlas::policy
