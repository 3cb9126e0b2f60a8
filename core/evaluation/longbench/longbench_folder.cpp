#include "core/evaluation/longbench/longbench_folder.h"

#include <optional>

#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::evaluation {
namespace {

namespace fs = std::filesystem;
using metrics::Dataset;
using nlohmann::json;

constexpr std::uint64_t kMostLength = std::uint64_t{1} << 40;

// Where the folder has no templates: the same questions in the fewest words.
std::string plainTemplate(const Dataset& dataset) {
  const bool chinese = dataset.language == metrics::Language::Chinese;
  if (dataset.language == metrics::Language::Code) return "{context}{input}";
  if (!dataset.chat) return "{context}\n{input}";  // few-shot examples
  if (dataset.metric == "count") return "{context}\n\nHow many different paragraphs are these? Number: ";
  if (dataset.metric == "retrieval") return "{context}\n\n{input}\n\nWhich paragraph is this about? Paragraph ";
  if (dataset.metric == "retrieval_zh") return "{context}\n\n{input}\n\n这是哪一段的摘要？段落";
  if (dataset.name == "vcsum") return "{context}\n\n总结：";
  if (dataset.metric == "rouge_l" && dataset.name != "qmsum") return "{context}\n\nSummary:";
  return chinese ? "{context}\n\n问题：{input}\n回答：" : "{context}\n\nQuestion: {input}\nAnswer:";
}

struct Config {
  fs::path path;
  json values;
};

// A file of the folder's config, also hashed; empty: the folder has none.
std::optional<Config> configOf(const fs::path& folder, const char* name, Sha256& sha) {
  std::error_code code;
  for (const char* place : {"config", "LongBench/config"}) {
    const fs::path path = folder / place / name;
    if (!fs::exists(path, code)) continue;
    const std::string text = readFile(path);
    sha.add(text.data(), text.size());
    json values = parseJson(text, path.string());
    if (!values.is_object()) fail("{}: expected a JSON object", path.string());
    return Config{path, std::move(values)};
  }
  return std::nullopt;
}

fs::path dataFile(const fs::path& folder, const std::string& name) {
  std::error_code code;
  for (const fs::path& path : {folder / "data" / (name + ".jsonl"), folder / (name + ".jsonl")})
    if (fs::exists(path, code)) return path;
  return {};
}

std::string templateOf(const std::optional<Config>& templates, const Dataset& dataset) {
  if (!templates) return plainTemplate(dataset);
  const std::string name(dataset.name);
  const JsonField fields(templates->path.string(), templates->values);
  const json* text = fields.raw(name);
  if (text == nullptr || !text->is_string() || text->get<std::string>().find("{context}") == std::string::npos)
    fields.refuse(name, "a template with {context}");
  return text->get<std::string>();
}

void checkRows(const LongBenchSet& set) {
  for (const Row& row : set.rows) {
    (void)filledTemplate(set.prompt_template, row);
    const AnswerKey key = keyOf(set, row);
    try {
      (void)key.metric->score("", {key.answers, key.classes});  // an answer that names no paragraph
    } catch (const Error& error) {
      fail("{}: {}", row.where, error.what());
    }
  }
}

}  // namespace

std::string filledTemplate(const std::string& prompt_template, const Row& row) {
  std::string text;
  for (std::size_t at = 0; at < prompt_template.size(); ++at) {
    const char c = prompt_template[at];
    const bool brace = c == '{' || c == '}';
    if (brace && at + 1 < prompt_template.size() && prompt_template[at + 1] == c)
      ++at;  // "{{" is "{"
    else if (c == '{') {
      const std::size_t end = prompt_template.find('}', at);
      if (end == std::string::npos) fail("{}: the template has a '{{' without '}}'", row.where);
      const std::string field = prompt_template.substr(at + 1, end - at - 1);
      const json* value = row.fields().raw(field.c_str());
      if (value == nullptr || (!value->is_string() && !value->is_number_integer()))
        row.fields().refuse(field.c_str(), "a text, because the template names it");
      text += value->is_string() ? value->get<std::string>() : value->dump();
      at = end;
      continue;
    }
    text += c;
  }
  return text;
}

AnswerKey keyOf(const LongBenchSet& set, const Row& row) {
  AnswerKey key{.answers = textsIn(row, "answers"),
                .metric = &metrics::findMetric(set.dataset->metric),
                .first_line = set.dataset->first_line};
  if (key.answers.empty()) row.fields().refuse("answers", "at least one answer");
  if (key.metric->name == "classification") key.classes = textsIn(row, "all_classes");
  return key;
}

const char* bucketOf(const Row& row) {
  const std::uint64_t length = row.fields().integer("length", 0, kMostLength);
  return length < 4000 ? "0-4k" : length < 8000 ? "4-8k" : "8k+";
}

LongBenchFolder readLongBench(const fs::path& folder, const LongBenchOptions& options) {
  std::error_code code;
  if (!fs::is_directory(folder, code)) fail("{}: no such folder of LongBench data", folder.string());
  Sha256 sha;
  const fs::path named = folder.lexically_normal();
  LongBenchFolder read{.name = (named.has_filename() ? named : named.parent_path()).filename().string()};
  const std::optional<Config> templates = configOf(folder, "dataset2prompt.json", sha),
                              lengths = configOf(folder, "dataset2maxlen.json", sha);
  read.own_templates = !templates;
  for (const std::string& name : options.sets) {
    LongBenchSet set{.dataset = metrics::findDataset(name), .name = name + (options.extended ? "_e" : "")};
    if (set.dataset == nullptr) fail("'{}' is no set of LongBench", name);
    const fs::path file = dataFile(folder, set.name);
    if (file.empty() && !options.all) fail("{}: contains no {}.jsonl", folder.string(), set.name);
    if (file.empty()) {
      read.missing.push_back(set.name);
      continue;
    }
    sha.add(set.name.data(), set.name.size());
    set.prompt_template = templateOf(templates, *set.dataset);
    set.new_tokens = set.dataset->new_tokens;
    if (lengths)
      set.new_tokens = static_cast<std::uint32_t>(
          JsonField(lengths->path.string(), lengths->values).integer(name.c_str(), 1, 1U << 20, set.new_tokens));
    if (options.new_tokens > 0) set.new_tokens = options.new_tokens;
    set.rows = readRows(file, options.rows, sha);
    checkRows(set);
    read.sets.push_back(std::move(set));
  }
  if (read.sets.empty())
    fail("{}: contains no file of these sets, such as data/{}.jsonl", folder.string(), read.missing.front());
  read.sha256 = sha.hex();
  return read;
}

}  // namespace kvatlas::evaluation
