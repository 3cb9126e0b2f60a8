#include "core/results/settings.h"

#include <set>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json_field.h"
#include "core/base/sha256.h"
#include "core/results/batches.h"

namespace kvatlas::results {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMostSettingsBytes = std::uint64_t{16} << 20;
constexpr const char* kNeedleFormat = "kvatlas-needle";
constexpr const char* kFormat = "kvatlas-evaluation";

const char* formatOf(const Plan& plan) {
  return plan.task == kNeedleTask ? kNeedleFormat : kFormat;
}

Shard shardOf(const json& file, const std::string& where) {
  const JsonField shard = JsonField(where, file).object("shard");
  const auto count = static_cast<std::uint32_t>(shard.integer("count", 1, kMostCases));
  return {static_cast<std::uint32_t>(shard.integer("index", 1, count)), count};
}

std::string shown(const json& values, const std::string& key) {
  if (!values.contains(key)) return "missing";
  std::string text = values.at(key).dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() <= 60 ? text : text.substr(0, 57) + "…";
}

}  // namespace

// Serialised and parsed again, so that values from memory and from a file are equal: 5 and 5u, replaced bytes.
Settings::Settings(const json& values, Shard shard, const std::string& where)
    : m_values(json::parse(values.dump(-1, ' ', false, json::error_handler_t::replace))),
      m_shard(shard),
      m_plan(planOf(m_values, where)) {
  if (shard.count < 1 || shard.index < 1 || shard.index > shard.count)
    fail("{}: no shard {} of {}", where, shard.index, shard.count);
  (void)batchSizeOf(m_values, where);
  m_sha256 = sha256Hex(m_values.dump());
}

std::vector<Case> Settings::allCases() const {
  return m_plan.cases();
}

std::vector<Case> Settings::cases() const {
  std::vector<Case> cases = m_plan.cases();
  const std::uint64_t batch = batchSizeOf(m_values);
  std::erase_if(cases, [&](const Case& one) { return shardOf(batch, one, m_shard.count) != m_shard.index - 1; });
  return cases;
}

std::string Settings::print() const {
  const nlohmann::ordered_json file = {{"format", formatOf(m_plan)},
                                       {"format_version", 1},
                                       {"sha256", m_sha256},
                                       {"shard", {{"index", m_shard.index}, {"count", m_shard.count}}},
                                       {"settings", m_values}};
  return file.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Settings readSettings(const std::filesystem::path& folder) {
  std::error_code code;
  const std::filesystem::path path = folder / kSettingsFile;
  if (!std::filesystem::exists(folder, code)) fail("{}: no such folder of results", folder.string());
  if (!std::filesystem::is_directory(folder, code)) fail("{}: is a file, not a folder of results", folder.string());
  if (!std::filesystem::exists(path, code))
    fail("{}: not a folder of results: it contains no {}", folder.string(), kSettingsFile);
  const std::string where = path.string();
  const json file = parseJson(readFile(path, kMostSettingsBytes), where);
  const JsonField fields(where, file);
  const std::string format = fields.text("format");
  if (format != kNeedleFormat && format != kFormat)
    fields.refuse("format", fmt::format("'{}' or '{}'", kNeedleFormat, kFormat));
  if (const auto version = fields.integer("format_version", 1, 1'000'000); version > 1)
    fail("{}: format version {}, this program reads version 1", where, version);
  (void)fields.object("settings");
  Settings settings(file.at("settings"), shardOf(file, where), where);
  if (format != formatOf(settings.plan())) fields.refuse("format", fmt::format("'{}'", formatOf(settings.plan())));
  if (fields.text("sha256") != settings.sha256())
    fail("{}: field 'sha256' does not match the settings; the file was changed after the run", where);
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
