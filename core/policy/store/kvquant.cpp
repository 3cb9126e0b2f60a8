// Codes beside exact outliers (Hooper et al., arXiv:2401.18079).
#include <array>

#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/store/block_code.h"

namespace kvatlas::policy {
namespace {

std::unique_ptr<StoredForm> form(const Setting& setting, const FormShape& shape) {
  BlockCodeOptions options = blockCodeOptions(setting);
  options.outliers = numberParameter(setting, "outliers");
  return std::make_unique<BlockCode>(shape, options);
}

}  // namespace

StorePart kvquantStore() {
  static const std::array parameters{bitsParameter("4"), kBlockParameter, kResidualParameter,
                                     outliersParameter("0.01")};
  return {.name = "kvquant",
          .meaning = "as kivi, with the smallest and largest numbers of a channel or token kept exactly",
          .cost = "as kivi, and an outlier's number and index",
          .parameters = parameters,
          .form = form};
}

}  // namespace kvatlas::policy
