#include "core/evaluation/text_prompt.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/files.h"

namespace kvatlas::evaluation {
namespace {

using Place = TextFrame::Place;

constexpr std::array<std::pair<Place, const char*>, 3> kPlaces{
    {{Place::None, "none"}, {Place::BeforeCutting, "before cutting"}, {Place::AfterCutting, "after cutting"}}};

}  // namespace

nlohmann::json frameJson(const TextFrame& frame) {
  const auto* const place = std::ranges::find(kPlaces, frame.place, &std::pair<Place, const char*>::first);
  return {
      {"place", place->second}, {"before", frame.before}, {"after", frame.after}, {"adds_special", frame.adds_special}};
}

TextFrame readFrame(const nlohmann::json& json) {
  TextFrame frame{.before = json.at("before").get<std::string>(),
                  .after = json.at("after").get<std::string>(),
                  .adds_special = json.at("adds_special").get<bool>()};
  for (const auto& [place, name] : kPlaces)
    if (json.at("place") == name) frame.place = place;
  return frame;
}

std::string framed(const TextFrame& frame, const std::string& text) {
  return frame.before + text + frame.after;
}

std::string Decoding::text(std::span<const TokenId> ids) const {
  std::string decoded = tokenizer.decode(ids, true);
  return cleans_up ? cleanedUp(std::move(decoded)) : decoded;
}

bool cleansUp(const std::filesystem::path& model_folder) {
  std::error_code code;
  const std::filesystem::path path = model_folder / "tokenizer_config.json";
  if (!std::filesystem::is_regular_file(path, code)) return false;
  const nlohmann::json config = readJsonFile(path);
  return config.is_object() && config.value("clean_up_tokenization_spaces", nlohmann::json()) == true;
}

std::string cleanedUp(std::string text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kSteps{{{" .", "."},
                                                                                  {" ?", "?"},
                                                                                  {" !", "!"},
                                                                                  {" ,", ","},
                                                                                  {" ' ", "'"},
                                                                                  {" n't", "n't"},
                                                                                  {" 'm", "'m"},
                                                                                  {" 's", "'s"},
                                                                                  {" 've", "'ve"},
                                                                                  {" 're", "'re"}}};
  for (const auto& [from, to] : kSteps) {
    std::string next;
    std::size_t done = 0;
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, done)) {
      next.append(text, done, at - done).append(to);
      done = at + from.size();
    }
    text = next.append(text, done);
  }
  return text;
}

std::string cutInTheMiddle(const std::string& text, std::size_t most, const Decoding& decoding) {
  const std::vector<TokenId> ids = decoding.tokenizer.encode(text, true).ids;
  if (ids.size() <= most) return text;
  const std::span<const TokenId> all(ids);
  return decoding.text(all.first(most / 2)) + decoding.text(all.last(most / 2));
}

text::PreparedPrompt encodedPrompt(std::string text, bool add_special, const text::Tokenizer& tokenizer) {
  text::Encoding encoding = tokenizer.encode(text, add_special);
  return {.ids = std::move(encoding.ids), .text = std::move(text), .offsets = std::move(encoding.offsets)};
}

void addSpan(text::PreparedPrompt& prompt, const std::string& name, std::size_t begin, std::size_t end) {
  if (begin >= end) return;
  const auto first = std::upper_bound(prompt.offsets.begin() + 1, prompt.offsets.end(), begin);
  const auto last = std::lower_bound(first, prompt.offsets.end(), end);
  const auto indexOf = [&](auto at) { return static_cast<TokenIndex>(at - prompt.offsets.begin()); };
  const auto tokens = static_cast<TokenIndex>(prompt.ids.size());
  prompt.spans.push_back({indexOf(first) - 1, std::min(indexOf(last), tokens), name});
  std::ranges::stable_sort(prompt.spans, {}, &text::PromptSpan::begin);
}

void addLastSpan(text::PreparedPrompt& prompt, const std::string& name, std::string_view part) {
  const auto begin = part.empty() ? std::string::npos : prompt.text.rfind(part);
  if (begin != std::string::npos) addSpan(prompt, name, begin, begin + part.size());
}

}  // namespace kvatlas::evaluation
