// Codes of a few bits, keys per channel and values per token (Liu et al., arXiv:2402.02750).
#include <array>

#include "core/policy/rows.h"
#include "core/policy/store/block_code.h"

namespace kvatlas::policy {
namespace {

std::unique_ptr<StoredForm> form(const Setting& setting, const FormShape& shape) {
  return std::make_unique<BlockCode>(shape, blockCodeOptions(setting));
}

}  // namespace

StorePart kiviStore() {
  static const std::array parameters{bitsParameter("2"), kBlockParameter, kResidualParameter};
  return {.name = "kivi",
          .meaning = "codes of 2, 4 or 8 bits: keys per channel, values per token, the newest tokens as they are",
          .cost = "bits a number, a scale and a minimum a block",
          .parameters = parameters,
          .form = form};
}

}  // namespace kvatlas::policy
