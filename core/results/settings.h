// The settings that determine the outcome of a run, and the cases that follow from them, in
// order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/results/plan.h"

namespace kvatlas::results {

// Shard `index` of `count` (from 1): every count-th context with its cases. Does not affect the outcome.
struct Shard {
  std::uint32_t index = 1, count = 1;
  friend bool operator==(const Shard&, const Shard&) = default;
};

class Settings {
 public:
  // `values`: an object with the plan (planOf) and everything else that determines the outcome: model, haystack,
  // window, seed … Error naming `where` and the field.
  explicit Settings(const nlohmann::json& values, Shard shard = {}, const std::string& where = "settings");

  [[nodiscard]] const nlohmann::json& values() const { return m_values; }
  [[nodiscard]] const Plan& plan() const { return m_plan; }
  [[nodiscard]] const Shard& shard() const { return m_shard; }
  // Hash of the canonical dump of the values (keys sorted, no white space), without the shard.
  [[nodiscard]] const std::string& sha256() const { return m_sha256; }

  // Cases in file order; cases() returns this shard's only.
  [[nodiscard]] std::vector<Case> allCases() const;
  [[nodiscard]] std::vector<Case> cases() const;

  [[nodiscard]] std::string print() const;  // settings.json, indented

 private:
  nlohmann::json m_values;
  Shard m_shard;
  Plan m_plan;
  std::string m_sha256;
};

// Reads <folder>/settings.json. Error: no such folder, no run in it, unreadable, missing fields, a wrong hash.
[[nodiscard]] Settings readSettings(const std::filesystem::path& folder);

// Empty if both determine the same outcome, else the first difference, phrased for a sentence: "'trials' is 3 in one,
// 2 in the other".
[[nodiscard]] std::string differenceOf(const Settings& a, const Settings& b);

inline constexpr const char* kSettingsFile = "settings.json";
inline constexpr const char* kResultsFile = "results.jsonl";
inline constexpr const char* kLockFile = "lock";

}  // namespace kvatlas::results
