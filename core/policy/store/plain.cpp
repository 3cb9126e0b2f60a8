// Entries as they are.
#include "core/policy/rows.h"

namespace kvatlas::policy {

StorePart plainStore() {
  return {.name = "plain", .meaning = "keys and values as they are"};
}

}  // namespace kvatlas::policy
