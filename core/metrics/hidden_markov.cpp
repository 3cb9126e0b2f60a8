#include "core/metrics/hidden_markov.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json_field.h"
#include "core/base/utf8.h"

namespace kvatlas::metrics {
namespace {

using nlohmann::json;

constexpr std::string_view kTags = "BEMS";  // ascending, as jieba breaks ties towards the higher letter
constexpr std::size_t kBegin = 0, kEnd = 1, kMiddle = 2, kSingle = 3;
constexpr double kNever = -3.14e100;
// The tags that can stand before each.
constexpr std::array<std::array<std::size_t, 2>, 4> kBefore{
    {{kEnd, kSingle}, {kBegin, kMiddle}, {kBegin, kMiddle}, {kEnd, kSingle}}};

// The files hold one Python literal, "P={'B': {…}, …}".
json readLiteral(const std::filesystem::path& path) {
  std::string text = readFile(path, std::uint64_t{64} << 20);
  const auto begin = text.find('{');
  if (begin == std::string::npos) fail("{}: expected one of jieba's tables, 'P={{…}}'", path.string());
  std::ranges::replace(text, '\'', '"');
  return parseJson(std::string_view(text).substr(begin), path.string());
}

double probability(const json& table, std::size_t tag) {
  return table.value(std::string(1, kTags[tag]), kNever);
}

}  // namespace

HiddenMarkov::HiddenMarkov(const std::filesystem::path& folder) {
  const json start = readLiteral(folder / "prob_start.py"), step = readLiteral(folder / "prob_trans.py"),
             emit = readLiteral(folder / "prob_emit.py");
  try {
    for (std::size_t tag = 0; tag < 4; ++tag) {
      const std::string name(1, kTags[tag]);
      m_start[tag] = probability(start, tag);
      for (std::size_t to = 0; to < 4; ++to) m_step[tag][to] = probability(step.at(name), to);
      for (const auto& [character, value] : emit.at(name).items()) {
        Tags& tags =
            m_emission.try_emplace(readUtf8(character).code_point, Tags{kNever, kNever, kNever, kNever}).first->second;
        tags[tag] = value.get<double>();
      }
    }
  } catch (const json::exception& error) {
    fail("{}: not jieba's tables of probabilities: {}", folder.string(), error.what());
  }
}

const HiddenMarkov::Tags& HiddenMarkov::emission(std::uint32_t character) const {
  static constexpr Tags kUnknown{kNever, kNever, kNever, kNever};
  const auto found = m_emission.find(character);
  return found == m_emission.end() ? kUnknown : found->second;
}

std::vector<std::size_t> HiddenMarkov::bestTags(std::span<const std::uint32_t> characters) const {
  const std::size_t count = characters.size();
  std::vector<std::array<std::size_t, 4>> from(count);
  Tags best{};
  for (std::size_t tag = 0; tag < 4; ++tag) best[tag] = m_start[tag] + emission(characters[0])[tag];
  for (std::size_t at = 1; at < count; ++at) {
    Tags next{};
    for (std::size_t tag = 0; tag < 4; ++tag) {
      std::pair<double, std::size_t> chosen{};
      for (std::size_t i = 0; i < 2; ++i) {
        const std::size_t before = kBefore[tag][i];
        const std::pair candidate{best[before] + m_step[before][tag] + emission(characters[at])[tag], before};
        if (i == 0 || candidate > chosen) chosen = candidate;
      }
      std::tie(next[tag], from[at][tag]) = chosen;
    }
    best = next;
  }
  std::vector<std::size_t> tags(count);
  tags.back() = std::pair{best[kSingle], kSingle} > std::pair{best[kEnd], kEnd} ? kSingle : kEnd;
  for (std::size_t at = count - 1; at > 0; --at) tags[at - 1] = from[at][tags[at]];
  return tags;
}

std::vector<std::size_t> HiddenMarkov::wordLengths(std::span<const std::uint32_t> characters) const {
  std::vector<std::size_t> lengths;
  if (characters.empty()) return lengths;
  const std::vector<std::size_t> tags = bestTags(characters);
  std::size_t begin = 0;  // of the word; characters before an unfinished one stay with it
  for (std::size_t at = 0; at < tags.size(); ++at) {
    if (tags[at] != kEnd && tags[at] != kSingle) continue;
    lengths.push_back(at + 1 - begin);
    begin = at + 1;
  }
  if (begin < tags.size()) lengths.push_back(tags.size() - begin);
  return lengths;
}

}  // namespace kvatlas::metrics
