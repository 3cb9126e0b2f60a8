// Codes, exact outliers and a low-rank part of what the codes lose (Kang et al., arXiv:2403.05527).
#include <array>

#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/store/block_code.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kRankParameter{.name = "rank",
                                       .values = "a whole number from 0 to 64",
                                       .default_value = "4",
                                       .paper_value = "4",
                                       .meaning = "of the error's low-rank part, of the rows coded at once",
                                       .kind = ParameterKind::Integer,
                                       .lowest = 0,
                                       .highest = 64,
                                       .changes_score = false};

std::unique_ptr<StoredForm> form(const Setting& setting, const FormShape& shape) {
  BlockCodeOptions options = blockCodeOptions(setting);
  options.outliers = numberParameter(setting, "outliers");
  options.rank = static_cast<std::uint32_t>(integerParameter(setting, "rank"));
  options.values_with_keys = true;
  return std::make_unique<BlockCode>(shape, options);
}

}  // namespace

StorePart gearStore() {
  static const std::array parameters{bitsParameter("4"), kBlockParameter, kResidualParameter, outliersParameter("0.02"),
                                     kRankParameter};
  return {.name = "gear",
          .meaning = "as kvquant, with a low-rank part of what the codes lose",
          .cost = "as kvquant, and rank numbers a coded token",
          .parameters = parameters,
          .form = form};
}

}  // namespace kvatlas::policy
