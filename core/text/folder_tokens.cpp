#include "core/text/folder_tokens.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json_field.h"
#include "core/text/vocabulary.h"

namespace kvatlas::text {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::array<const char*, 7> kNamed{"bos_token", "eos_token", "unk_token", "sep_token",
                                            "pad_token", "cls_token", "mask_token"};
constexpr std::array<const char*, 2> kLists{"extra_special_tokens", "additional_special_tokens"};
constexpr std::array<const char*, 4> kFlags{"lstrip", "rstrip", "single_word", "normalized"};

struct Wanted {
  json entry;  // content and flags, as in "added_tokens"
  std::optional<std::uint64_t> id;
};

// A file that is not there is an empty object.
json readObject(const fs::path& path) {
  return readJsonObjectIfThere(path).value_or(json::object());
}

// "<s>" or {"content": "<s>", "lstrip": …} as an entry of "added_tokens"; an empty content: none.
json entryOf(const JsonField& field, bool special) {
  const bool object = field.value().is_object();
  json entry{{"content", object ? field.at("content").asString() : field.asString()}};
  entry["special"] = special || (object && field.boolean("special", false));
  for (const char* flag : kFlags) entry[flag] = object && field.boolean(flag, false);
  if (!object || !field.find("normalized")) entry["normalized"] = !entry["special"].get<bool>();
  return entry;
}

// Transformers calls a list of extra tokens what it may also be an object of names.
std::vector<JsonField> listed(const JsonField& field) {
  if (!field.value().is_object()) return field.elements();
  std::vector<JsonField> fields;
  for (const auto& [name, value] : field.value().items()) fields.emplace_back(value, field.where() + "." + name);
  return fields;
}

std::uint64_t idOf(const std::string& digits, const JsonField& where) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  if (error != std::errc{} || end != digits.data() + digits.size() || id >= Vocabulary::kIdLimit)
    where.complain(fmt::format("'{}' is no token id below {}", digits, Vocabulary::kIdLimit));
  return id;
}

// What the files beside tokenizer.json say, in the order of Transformers.
class FolderFiles {
 public:
  explicit FolderFiles(const fs::path& folder)
      : m_config(readObject(folder / "tokenizer_config.json")),
        m_added_path((folder / "added_tokens.json").string()),
        m_config_path((folder / "tokenizer_config.json").string()),
        m_map_path((folder / "special_tokens_map.json").string()) {
    if (m_config.contains("added_tokens_decoder")) return;
    m_added = readObject(folder / "added_tokens.json");
    m_map = readObject(folder / "special_tokens_map.json");
  }

  [[nodiscard]] JsonField config() const { return JsonField(m_config_path, m_config); }
  // special_tokens_map.json counts before tokenizer_config.json.
  [[nodiscard]] std::optional<JsonField> find(const char* key) const {
    if (auto field = JsonField(m_map_path, m_map).find(key)) return field;
    return config().find(key);
  }

  [[nodiscard]] std::vector<Wanted> withIds() const {
    if (const auto decoder = config().find("added_tokens_decoder")) return fromDecoder(*decoder);
    std::set<std::string> special;
    for (const Wanted& wanted : named()) special.insert(wanted.entry["content"].get<std::string>());
    std::map<std::uint64_t, Wanted> by_id;
    const JsonField added(m_added_path, m_added);
    for (const auto& [content, id] : m_added.items()) {
      if (!id.is_number_unsigned()) added.complain(fmt::format("the id of '{}' is no whole number", content));
      const json piece = content;
      by_id[id.get<std::uint64_t>()] = {entryOf(JsonField(m_added_path, piece), special.contains(content)),
                                        id.get<std::uint64_t>()};
    }
    return inOrder(by_id);
  }

  // The special tokens by their roles, then those without one.
  [[nodiscard]] std::vector<Wanted> named() const {
    std::vector<Wanted> result;
    for (const char* name : kNamed)
      if (const auto field = find(name)) result.push_back({entryOf(*field, true), {}});
    for (const char* name : kLists)
      if (const auto field = find(name))
        for (const JsonField& token : listed(*field)) result.push_back({entryOf(token, true), {}});
    return result;
  }

 private:
  static std::vector<Wanted> inOrder(std::map<std::uint64_t, Wanted>& by_id) {
    std::vector<Wanted> result;
    for (auto& [id, wanted] : by_id) result.push_back(std::move(wanted));
    return result;
  }
  static std::vector<Wanted> fromDecoder(const JsonField& decoder) {
    if (!decoder.value().is_object()) decoder.complain("an object of ids and their tokens was expected");
    std::map<std::uint64_t, Wanted> by_id;
    for (const auto& [digits, token] : decoder.value().items()) {
      const std::uint64_t id = idOf(digits, decoder);
      by_id[id] = {entryOf(JsonField(decoder.where() + "." + digits, token), false), id};
    }
    return inOrder(by_id);
  }

  json m_config, m_added = json::object(), m_map = json::object();
  std::string m_added_path, m_config_path, m_map_path;
};

// The "added_tokens" of a tokenizer.json as they grow. Entries that are no proper ones are left for the reader of the
// whole to complain about.
class AddedList {
 public:
  explicit AddedList(json& tokenizer) : m_tokenizer(tokenizer) {
    if (const auto model = tokenizer.find("model"); model != tokenizer.end() && model->is_object())
      if (const auto vocab = model->find("vocab"); vocab != model->end() && vocab->is_object()) m_vocab = &*vocab;
    if (const auto list = tokenizer.find("added_tokens"); list != tokenizer.end() && list->is_array())
      for (std::size_t i = 0; i < list->size(); ++i) note((*list)[i], i);
  }

  [[nodiscard]] bool has(const std::string& content) const { return m_entries.contains(content); }

  // A notice where the id is another one than stated; empty otherwise.
  std::string add(Wanted wanted) {
    const auto content = wanted.entry["content"].get<std::string>();
    if (content.empty()) return {};
    json& list = m_tokenizer["added_tokens"];
    if (!list.is_array()) list = json::array();
    if (const auto there = m_entries.find(content); there != m_entries.end()) {
      list[there->second].update(wanted.entry);
      return {};
    }
    const std::optional<std::uint64_t> known = inVocabulary(content);
    const std::uint64_t id = known ? *known : freeId();
    wanted.entry["id"] = id;
    m_entries.emplace(content, list.size());
    list.push_back(std::move(wanted.entry));
    if (!wanted.id || *wanted.id == id) return {};
    return fmt::format("the token '{}' is said to have the id {}; it gets {}, as in Transformers", content, *wanted.id,
                       id);
  }

 private:
  void note(const json& entry, std::size_t index) {
    if (!entry.is_object()) return;
    if (const auto content = entry.find("content"); content != entry.end() && content->is_string())
      m_entries.emplace(content->get<std::string>(), index);
  }
  void take(const json& id) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= Vocabulary::kIdLimit) return;
    const auto at = id.get<std::size_t>();
    if (at >= m_taken.size()) m_taken.resize(at + 1);
    m_taken[at] = true;
  }
  std::uint64_t freeId() {
    if (m_taken.empty()) {  // most folders name nothing new, and large vocabularies take their time
      if (m_vocab != nullptr)
        for (const auto& [piece, id] : m_vocab->get_ref<const json::object_t&>()) take(id);
      for (const json& entry : m_tokenizer["added_tokens"])
        if (entry.is_object() && entry.contains("id")) take(entry["id"]);
    }
    const std::uint64_t id = m_taken.size();
    take(id);
    return id;
  }
  [[nodiscard]] std::optional<std::uint64_t> inVocabulary(const std::string& content) const {
    if (m_vocab == nullptr) return std::nullopt;
    const auto found = m_vocab->find(content);
    if (found == m_vocab->end() || !found->is_number_unsigned()) return std::nullopt;
    return found->get<std::uint64_t>();
  }

  json& m_tokenizer;
  const json* m_vocab = nullptr;
  std::vector<bool> m_taken;                     // by id; filled when first asked
  std::map<std::string, std::size_t> m_entries;  // content → index in the list
};

// Whether the post-processor sets a token before (or behind) a text.
bool setsToken(const json& processor, bool before) {
  if (!processor.is_object()) return false;
  if (const auto parts = processor.find("processors"); parts != processor.end() && parts->is_array())
    return std::ranges::any_of(*parts, [&](const json& part) { return setsToken(part, before); });
  const auto single = processor.find("single");
  if (single == processor.end() || !single->is_array() || single->empty()) return false;
  return (before ? single->front() : single->back()).contains("SpecialToken");
}

// Where Transformers 4 would set other tokens around a text.
void noticeAround(const JsonField& config, const json& tokenizer, std::vector<std::string>& notices) {
  const auto family = config.find("tokenizer_class");
  if (!family || !family->value().is_string() || !family->asString().starts_with("LlamaTokenizer")) return;
  const auto processor = tokenizer.find("post_processor");
  for (const bool before : {true, false}) {
    const char* key = before ? "add_bos_token" : "add_eos_token";
    const bool sets = processor != tokenizer.end() && setsToken(*processor, before);
    if (config.find(key) && config.boolean(key, sets) != sets)
      notices.push_back(fmt::format(
          "{}: {} is {}, the post-processor of tokenizer.json does otherwise and counts, as in Transformers "
          "5 (Transformers 4 obeys the former)",
          config.where(), key, !sets));
  }
}

}  // namespace

FolderTokens addFolderTokens(const fs::path& folder, json& tokenizer) {
  FolderTokens result;
  if (!tokenizer.is_object()) return result;
  const FolderFiles files(folder);
  AddedList list(tokenizer);
  constexpr std::size_t kMostTold = 3;
  std::size_t moved = 0;
  const auto add = [&](Wanted wanted) {
    if (const std::string notice = list.add(std::move(wanted)); !notice.empty() && ++moved <= kMostTold)
      result.notices.push_back(fmt::format("{}: {}", folder.string(), notice));
  };
  for (Wanted& wanted : files.withIds()) {
    // added_tokens.json tells no flags that tokenizer.json would not.
    if (files.config().find("added_tokens_decoder") || !list.has(wanted.entry["content"].get<std::string>()))
      add(std::move(wanted));
  }
  for (Wanted& wanted : files.named())
    if (!list.has(wanted.entry["content"].get<std::string>())) add(std::move(wanted));
  if (moved > kMostTold)
    result.notices.push_back(fmt::format("{}: so do {} more tokens", folder.string(), moved - kMostTold));
  if (const auto field = files.find("bos_token")) result.bos = entryOf(*field, true)["content"].get<std::string>();
  if (const auto field = files.find("eos_token")) result.eos = entryOf(*field, true)["content"].get<std::string>();
  noticeAround(files.config(), tokenizer, result.notices);
  return result;
}

}  // namespace kvatlas::text
