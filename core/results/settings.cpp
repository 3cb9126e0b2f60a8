#include "core/results/settings.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json_fields.h"
#include "core/base/sha256.h"

namespace kvatlas::results {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMostCases = 1'000'000;
constexpr std::size_t kMostBranches = 4096;
constexpr std::uint64_t kMostSettingsBytes = std::uint64_t{16} << 20;
constexpr const char* kFormat = "kvatlas-needle";

// Elements of a list of one plain type; Error unless there are some, none twice.
template <class T, class Good>
std::vector<T> elements(const JsonFields& fields, const char* field, const std::string& expected, const Good& good) {
  std::vector<T> values;
  for (const json& element : fields.array(field)) {
    if (!good(element)) fields.refuse(field, expected);
    values.push_back(element.get<T>());
  }
  if (values.empty()) fields.refuse(field, expected);
  std::vector<T> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) fields.refuse(field, expected + ", none twice");
  return values;
}

std::vector<Branch> branchesOf(const JsonFields& fields, const std::string& where) {
  std::vector<Branch> branches;
  std::set<std::pair<std::string, std::string>> seen;
  for (const json& element : fields.array("branches")) {
    const JsonFields branch(where, element, fmt::format("branches[{}].", branches.size()));
    branches.push_back({branch.text("method"), branch.text("label"), branch.text("budget")});
    if (!seen.emplace(branches.back().label, branches.back().budget).second)
      branch.refuse("label", "a label that no other branch of this budget has");
  }
  if (branches.empty() || branches.size() > kMostBranches || branches.front().method != "full")
    fields.refuse("branches", fmt::format("1 to {} branches, the first of method 'full'", kMostBranches));
  return branches;
}

Plan planOf(const json& values, const std::string& where) {
  const JsonFields fields(where, values);
  Plan plan;
  plan.lengths = elements<std::uint64_t>(fields, "lengths", "a list of token numbers", [](const json& value) {
    return value.is_number_unsigned() && value.get<std::uint64_t>() > 0;
  });
  plan.depths = elements<double>(fields, "depths", "a list of percentages from 0 to 100", [](const json& value) {
    return value.is_number() && value.get<double>() >= 0 && value.get<double>() <= 100;
  });
  plan.kinds = elements<std::string>(fields, "kinds", "a list of needle kinds", [](const json& value) {
    return value.is_string() && !value.get_ref<const std::string&>().empty();
  });
  plan.trials = static_cast<std::uint32_t>(fields.integer("trials", 1, kMostCases));
  plan.branches = branchesOf(fields, where);
  std::uint64_t cases = plan.trials;
  for (const std::size_t count : {plan.lengths.size(), plan.depths.size(), plan.kinds.size()})
    cases = std::min(kMostCases + 1, cases * std::min<std::uint64_t>(count, kMostCases + 1));
  if (cases > kMostCases) fail("{}: more than {} cases", where, kMostCases);
  return plan;
}

Shard shardOf(const json& file, const std::string& where) {
  const JsonFields shard = JsonFields(where, file).object("shard");
  const auto count = static_cast<std::uint32_t>(shard.integer("count", 1, kMostCases));
  return {static_cast<std::uint32_t>(shard.integer("index", 1, count)), count};
}

std::string shown(const json& values, const std::string& key) {
  if (!values.contains(key)) return "missing";
  std::string text = values.at(key).dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() <= 60 ? text : text.substr(0, 57) + "…";
}

}  // namespace

// Printed and read back, so that values made in memory and values from a file are the same: 5 and 5u, replaced bytes.
Settings::Settings(const json& values, Shard shard, const std::string& where)
    : m_values(json::parse(values.dump(-1, ' ', false, json::error_handler_t::replace))),
      m_shard(shard),
      m_plan(planOf(m_values, where)) {
  if (shard.count < 1 || shard.index < 1 || shard.index > shard.count)
    fail("{}: there is no shard {} of {}", where, shard.index, shard.count);
  m_sha256 = sha256Hex(m_values.dump());
}

std::vector<Case> Settings::allCases() const {
  std::vector<Case> cases;
  for (const std::uint64_t length : m_plan.lengths)
    for (const double depth : m_plan.depths)
      for (const std::string& kind : m_plan.kinds)
        for (std::uint32_t trial = 0; trial < m_plan.trials; ++trial)
          cases.push_back({fmt::format("L{}-D{}-{}-t{}", length, depth, kind, trial), length, depth, kind, trial});
  return cases;
}

std::vector<Case> Settings::cases() const {
  std::vector<Case> mine, all = allCases();
  for (std::size_t i = m_shard.index - 1; i < all.size(); i += m_shard.count) mine.push_back(std::move(all[i]));
  return mine;
}

std::string Settings::print() const {
  const nlohmann::ordered_json file = {{"format", kFormat},
                                       {"format_version", 1},
                                       {"sha256", m_sha256},
                                       {"shard", {{"index", m_shard.index}, {"count", m_shard.count}}},
                                       {"settings", m_values}};
  return file.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Settings readSettings(const std::filesystem::path& folder) {
  std::error_code code;
  const std::filesystem::path path = folder / kSettingsFile;
  if (!std::filesystem::exists(folder, code)) fail("{}: there is no such folder of results", folder.string());
  if (!std::filesystem::is_directory(folder, code))
    fail("{}: a folder of results was expected, not a file", folder.string());
  if (!std::filesystem::exists(path, code))
    fail("{}: not a folder of results: it holds no {}", folder.string(), kSettingsFile);
  const std::string where = path.string();
  const json file = parseJson(readFile(path, kMostSettingsBytes), where);
  const JsonFields fields(where, file);
  if (fields.text("format") != kFormat) fields.refuse("format", fmt::format("'{}'", kFormat));
  if (const auto version = fields.integer("format_version", 1, 1'000'000); version > 1)
    fail("{}: format version {}, this KVAtlas reads version 1", where, version);
  (void)fields.object("settings");
  Settings settings(file.at("settings"), shardOf(file, where), where);
  if (fields.text("sha256") != settings.sha256())
    fail("{}: field 'sha256' does not fit the settings; the file was changed after the run", where);
  return settings;
}

std::string differenceOf(const Settings& a, const Settings& b) {
  if (a.sha256() == b.sha256()) return {};
  std::set<std::string> keys;
  for (const auto& [key, ignored] : a.values().items()) keys.insert(key);
  for (const auto& [key, ignored] : b.values().items()) keys.insert(key);
  for (const std::string& key : keys) {
    if (a.values().contains(key) && b.values().contains(key) && a.values().at(key) == b.values().at(key)) continue;
    return fmt::format("'{}' is {} in one, {} in the other", key, shown(a.values(), key), shown(b.values(), key));
  }
  return "their hashes differ";
}

}  // namespace kvatlas::results
