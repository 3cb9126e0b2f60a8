// What decides the outcome of a run, the cases that follow from it and their order. Knows settings.json, no model and
// no prompt.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/results/plan.h"

namespace kvatlas::results {

// Shard `index` of `count` (from 1): every count-th context with its cases. Not part of what decides the outcome.
struct Shard {
  std::uint32_t index = 1, count = 1;
  friend bool operator==(const Shard&, const Shard&) = default;
};

class Settings {
 public:
  // `values`: an object that says the plan (planOf), beside everything else that decides the outcome: model, haystack,
  // window, seed … Error naming `where` and the field.
  explicit Settings(const nlohmann::json& values, Shard shard = {}, const std::string& where = "settings");

  [[nodiscard]] const nlohmann::json& values() const { return m_values; }
  [[nodiscard]] const Plan& plan() const { return m_plan; }
  [[nodiscard]] const Shard& shard() const { return m_shard; }
  // Of the canonical dump of the values (keys sorted, no white space); the shard is not in it.
  [[nodiscard]] const std::string& sha256() const { return m_sha256; }

  // Cases in the order of the file. `cases` are of this shard only.
  [[nodiscard]] std::vector<Case> allCases() const;
  [[nodiscard]] std::vector<Case> cases() const;

  [[nodiscard]] std::string print() const;  // settings.json, indented

 private:
  nlohmann::json m_values;
  Shard m_shard;
  Plan m_plan;
  std::string m_sha256;
};

// <folder>/settings.json. Error: no such folder, no run of it, unreadable, fields missing, a hash that does not fit.
[[nodiscard]] Settings readSettings(const std::filesystem::path& folder);

// Empty when both decide the same outcome, else the first difference for a sentence: "'trials' is 3 in one, 2 in the
// other".
[[nodiscard]] std::string differenceOf(const Settings& a, const Settings& b);

inline constexpr const char* kSettingsFile = "settings.json";
inline constexpr const char* kResultsFile = "results.jsonl";
inline constexpr const char* kLockFile = "lock";

}  // namespace kvatlas::results
