#include "core/results/plan.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_set>

#include "core/base/error.h"
#include "core/base/json_field.h"
#include "core/base/suggest.h"
#include "core/results/needle_plan.h"
#include "core/results/record.h"

namespace kvatlas::results {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBranches = 4096, kMostFacets = 16, kMostTextBytes = 200;
constexpr double kMostWhole = 1e12, kMostNumber = 1e12;

std::vector<Branch> branchesOf(const JsonField& fields, const std::string& where) {
  std::vector<Branch> branches;
  std::set<std::pair<std::string, std::string>> seen;
  for (const json& element : fields.array("branches")) {
    const JsonField branch(where, element, fmt::format("branches[{}]", branches.size()));
    branches.push_back({branch.text("method"), branch.text("label"), branch.text("budget")});
    if (!seen.emplace(branches.back().label, branches.back().budget).second)
      branch.refuse("label", "a label unique among the branches of this budget");
  }
  if (branches.empty() || branches.size() > kMostBranches || branches.front().method != "full")
    fields.refuse("branches", fmt::format("1 to {} branches, the first of method 'full'", kMostBranches));
  return branches;
}

FacetType facetTypeOf(const JsonField& facet) {
  const std::string name = facet.text("type");
  if (name == "whole") return FacetType::Whole;
  if (name == "number") return FacetType::Number;
  if (name != "text") facet.refuse("type", "'whole', 'number' or 'text'");
  return FacetType::Text;
}

std::vector<FacetSpec> facetsOf(const JsonField& fields, const std::string& where) {
  std::vector<FacetSpec> facets;
  for (const json& element : fields.array("facets")) {
    const JsonField facet(where, element, fmt::format("facets[{}]", facets.size()));
    FacetSpec spec{.name = facet.text("name"), .type = facetTypeOf(facet)};
    if (spec.name.empty() || isRecordField(spec.name)) facet.refuse("name", "a name that is not a record field");
    if (std::ranges::find(facets, spec.name, &FacetSpec::name) != facets.end()) facet.refuse("name", "a unique name");
    spec.least = spec.type == FacetType::Number ? -kMostNumber : 0;
    spec.most = spec.type == FacetType::Number ? kMostNumber : kMostWhole;
    facets.push_back(std::move(spec));
  }
  if (facets.empty() || facets.size() > kMostFacets)
    fields.refuse("facets", fmt::format("1 to {} facets", kMostFacets));
  return facets;
}

// Texts become part of case ids, which become file names.
bool isPlain(const std::string& text) {
  return !text.empty() && text.size() <= kMostTextBytes &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '/'; });
}

FacetValue valueOf(const json& element, const FacetSpec& spec, const JsonField& block) {
  const char* field = spec.name.c_str();
  if (spec.type == FacetType::Text) {
    if (!element.is_string() || !isPlain(element.get_ref<const std::string&>()))
      block.refuse(field, "a list of short texts without '/'");
    return element.get<std::string>();
  }
  const bool number = spec.type == FacetType::Whole ? element.is_number_unsigned() : element.is_number();
  if (!number || element.get<double>() < spec.least || element.get<double>() > spec.most)
    block.refuse(field, spec.type == FacetType::Whole ? "a list of whole numbers" : "a list of numbers");
  if (spec.type == FacetType::Whole) return element.get<std::uint64_t>();
  return element.get<double>();
}

Plan::Block blockOf(const JsonField& fields, const std::vector<FacetSpec>& facets) {
  Plan::Block block;
  for (const FacetSpec& spec : facets) {
    std::vector<FacetValue> values;
    for (const json& element : fields.array(spec.name.c_str())) values.push_back(valueOf(element, spec, fields));
    if (values.empty()) fields.refuse(spec.name.c_str(), "at least one value");
    block.push_back(std::move(values));
  }
  return block;
}

void requireFewCases(const std::vector<Plan::Block>& blocks, const std::string& where) {
  std::uint64_t sum = 0;
  for (const Plan::Block& block : blocks) {
    std::uint64_t cases = 1;
    for (const auto& values : block)
      cases = std::min(kMostCases + 1, cases * std::min<std::uint64_t>(values.size(), kMostCases + 1));
    sum = std::min(kMostCases + 1, sum + cases);
  }
  if (sum > kMostCases) fail("{}: more than {} cases", where, kMostCases);
}

void collectValues(Plan& plan) {
  for (std::size_t i = 0; i < plan.facets.size(); ++i) {
    std::set<FacetValue> seen;
    for (const Plan::Block& block : plan.blocks)
      for (const FacetValue& value : block[i])
        if (seen.insert(value).second) plan.facets[i].values.push_back(value);
  }
}

void requireDistinctIds(const Plan& plan, const std::string& where) {
  std::unordered_set<std::string> seen;
  for (Case& one : plan.cases())
    if (!seen.insert(one.id).second) fail("{}: two cases have the id {}", where, one.id);
}

Plan taskPlan(const JsonField& fields, const std::string& where) {
  Plan plan{.task = fields.text("task"), .facets = facetsOf(fields, where), .case_id = fields.text("case_id")};
  if (plan.task.empty() || plan.task == kNeedleTask) fields.refuse("task", "the name of a task");
  for (const json& element : fields.array("cases")) {
    const JsonField block(where, element, fmt::format("cases[{}]", plan.blocks.size()));
    plan.blocks.push_back(blockOf(block, plan.facets));
  }
  if (plan.blocks.empty()) fields.refuse("cases", "at least one case");
  plan.context_facets = fields.integer("context_facets", 1, plan.facets.size(), plan.facets.size());
  requireFewCases(plan.blocks, where);
  collectValues(plan);
  requireDistinctIds(plan, where);
  return plan;
}

std::string idOf(const std::string& pattern, const Facets& facets) {
  std::string id;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::size_t end = pattern[at] == '{' ? pattern.find('}', at) : std::string::npos;
    const FacetValue* value =
        end == std::string::npos ? nullptr : facets.find(std::string_view(pattern).substr(at + 1, end - at - 1));
    if (value != nullptr) id += printFacet(*value);
    if (value == nullptr) id += pattern[at];
    at = value != nullptr ? end + 1 : at + 1;
  }
  return id;
}

template <class T>
std::vector<T> valuesOf(const FacetSpec& spec, const char* type) {
  std::vector<T> values;
  for (const FacetValue& value : spec.values) {
    const T* found = std::get_if<T>(&value);
    if (found == nullptr) fail("'{}' of these results is not {}", spec.name, type);
    values.push_back(*found);
  }
  return values;
}

}  // namespace

std::vector<Case> Plan::cases() const {
  std::vector<Case> all;
  std::uint64_t contexts = 0;
  for (const Block& block : blocks) {
    std::vector<std::size_t> at(facets.size(), 0);
    for (std::size_t stepped = 0;;) {
      // A context ends where one of its own facets advances.
      if (stepped < context_facets) ++contexts;
      Case one{.context = contexts - 1};
      for (std::size_t i = 0; i < facets.size(); ++i) one.facets.add(facets[i].name, block[i][at[i]]);
      one.id = idOf(case_id, one.facets);
      all.push_back(std::move(one));
      for (stepped = facets.size(); stepped > 0; --stepped) {
        if (++at[stepped - 1] < block[stepped - 1].size()) break;
        at[stepped - 1] = 0;
      }
      if (stepped == 0) break;
      --stepped;
    }
  }
  return all;
}

bool Plan::has(std::string_view name) const {
  return std::ranges::find(facets, name, &FacetSpec::name) != facets.end();
}

const FacetSpec& Plan::facet(std::string_view name) const {
  const auto found = std::ranges::find(facets, name, &FacetSpec::name);
  if (found != facets.end()) return *found;
  std::vector<std::string> known;
  for (const FacetSpec& spec : facets) known.push_back(spec.name);
  fail("the results of this run have no '{}'{}", name, suggestion(name, known));
}

std::vector<std::uint64_t> Plan::wholes(std::string_view name) const {
  return valuesOf<std::uint64_t>(facet(name), "a whole number");
}

std::vector<double> Plan::numbers(std::string_view name) const {
  std::vector<double> values;
  for (const FacetValue& value : facet(name).values) values.push_back(numberOf(value));
  return values;
}

std::vector<std::string> Plan::texts(std::string_view name) const {
  return valuesOf<std::string>(facet(name), "a text");
}

const FacetSpec* Plan::grouping() const {
  const auto found = std::ranges::find(facets, FacetType::Text, &FacetSpec::type);
  return found == facets.end() ? nullptr : &*found;
}

Plan planOfTask(const json& values, const std::string& where) {
  const JsonField fields(where, values);
  return values.contains("task") ? taskPlan(fields, where) : needlePlan(fields, where);
}

Plan planOf(const json& values, const std::string& where) {
  Plan plan = planOfTask(values, where);
  plan.branches = branchesOf(JsonField(where, values), where);
  return plan;
}

}  // namespace kvatlas::results
