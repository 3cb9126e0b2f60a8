#include "core/results/needle_plan.h"

#include <algorithm>
#include <limits>

#include "core/base/error.h"

namespace kvatlas::results {
namespace {

using nlohmann::json;

constexpr double kMostLength = static_cast<double>(std::uint64_t{1} << 40U);

// Elements of a list of one plain type; Error if it is empty or contains duplicates.
template <class T, class Good>
std::vector<FacetValue> elements(const JsonField& fields, const char* field, const std::string& expected,
                                 const Good& good) {
  std::vector<FacetValue> values;
  for (const json& element : fields.array(field)) {
    if (!good(element)) fields.refuse(field, expected);
    values.emplace_back(element.get<T>());
  }
  if (values.empty()) fields.refuse(field, expected);
  std::vector<FacetValue> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    fields.refuse(field, expected + ", without duplicates");
  return values;
}

std::vector<FacetValue> lengthsOf(const JsonField& fields) {
  return elements<std::uint64_t>(fields, "lengths", "a list of token counts", [](const json& value) {
    return value.is_number_unsigned() && value.get<std::uint64_t>() > 0;
  });
}

std::vector<FacetValue> depthsOf(const JsonField& fields) {
  return elements<double>(fields, "depths", "a list of percentages from 0 to 100", [](const json& value) {
    return value.is_number() && value.get<double>() >= 0 && value.get<double>() <= 100;
  });
}

std::vector<FacetValue> kindsOf(const JsonField& fields) {
  return elements<std::string>(fields, "kinds", "a list of needle kinds", [](const json& value) {
    return value.is_string() && !value.get_ref<const std::string&>().empty();
  });
}

}  // namespace

Plan needlePlan(const JsonField& fields, const std::string& where) {
  Plan plan{.task = kNeedleTask, .case_id = "L{length}-D{depth}-{kind}-t{trial}", .context_facets = 4};
  plan.facets = {{"length", FacetType::Whole, 0, kMostLength, lengthsOf(fields)},
                 {"depth", FacetType::Number, 0, 100, depthsOf(fields)},
                 {"kind", FacetType::Text, 0, 0, kindsOf(fields)},
                 {"trial", FacetType::Whole, 0, std::numeric_limits<std::uint32_t>::max(), {}}};
  const std::uint64_t trials = fields.integer("trials", 1, kMostCases);
  std::uint64_t cases = trials;
  for (const FacetSpec& facet : plan.facets)
    if (!facet.values.empty())
      cases = std::min(kMostCases + 1, cases * std::min<std::uint64_t>(facet.values.size(), kMostCases + 1));
  if (cases > kMostCases) fail("{}: more than {} cases", where, kMostCases);
  for (std::uint64_t trial = 0; trial < trials; ++trial) plan.facets.back().values.emplace_back(trial);
  plan.blocks.emplace_back();
  for (const FacetSpec& facet : plan.facets) plan.blocks.back().push_back(facet.values);
  return plan;
}

}  // namespace kvatlas::results
