#include "core/evaluation/longbench/longbench_task.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "core/base/error.h"
#include "core/evaluation/longbench/longbench_folder.h"
#include "core/evaluation/stops.h"
#include "core/metrics/segmenter.h"

namespace kvatlas::evaluation {
namespace {

using nlohmann::json;
using results::Case;
using Place = TextFrame::Place;

constexpr std::uint64_t kRoom = 100;  // positions left for a frame and for tokens that differ where the cut is joined

std::vector<TokenId> stopsOf(const LongBenchOptions& options, const LongBenchSet& set,
                             const text::Tokenizer& tokenizer) {
  std::vector<TokenId> stops;
  if (options.published_stops || set.dataset->stops_at_line_end) stops = endTokens(tokenizer);
  if (set.dataset->stops_at_line_end) addLineBreak(tokenizer, stops);
  return stops;
}

class LongBenchTask final : public Task {
 public:
  LongBenchTask(LongBenchOptions options, LongBenchFolder folder, const TaskModel& model)
      : m_options(std::move(options)),
        m_folder(std::move(folder)),
        m_tokenizer(model.tokenizer),
        m_decoding{model.tokenizer, cleansUp(model.folder)},
        m_positions(model.positions) {
    for (const LongBenchSet& set : m_folder.sets) m_sets.emplace(set.name, &set);
  }

  [[nodiscard]] json settings() const override {
    json values = longBenchJson(m_options);
    values.update(json{{"task", kLongBenchTask},
                       {"score", "score"},
                       {"templates", m_folder.own_templates ? "KVAtlas" : "published"},
                       {kDataSource, {{"name", m_folder.name}, {"sha256", m_folder.sha256}}},
                       {"case_id", m_options.extended ? "{dataset}-{bucket}-{row}" : "{dataset}-{row}"}});
    values["facets"] = json::array({{{"name", "dataset"}, {"type", "text"}}});
    if (m_options.extended) values["facets"].push_back({{"name", "bucket"}, {"type", "text"}});
    values["facets"].push_back({{"name", "row"}, {"type", "whole"}});
    values["cases"] = json::array();
    for (const LongBenchSet& set : m_folder.sets) addCases(set, values["cases"]);
    if (needsJieba()) values["jieba"] = {{"sha256", metrics::jieba().sha256()}};
    return values;
  }

  [[nodiscard]] std::uint64_t tokensOf(const Case& wanted) const override {
    constexpr std::size_t kBytesPerToken = 4;
    const LongBenchSet& set = setOf(wanted);
    const std::size_t bytes = rowOf(set, wanted).value.at("context").get_ref<const std::string&>().size();
    return std::clamp<std::uint64_t>(bytes / kBytesPerToken, 1, limitOf(set));
  }

  void check(const Case& wanted) const override { (void)rowOf(setOf(wanted), wanted); }

  [[nodiscard]] EvaluationPrompt prompt(const Case& wanted) const override {
    const LongBenchSet& set = setOf(wanted);
    const Row& row = rowOf(set, wanted);
    EvaluationPrompt made{.prepared = prepared(set, row),
                          .question = row.value.value("input", std::string()),
                          .details = {{"words", row.fields().integer("length", 0, std::uint64_t{1} << 40, 0)}},
                          .most_new_tokens = set.new_tokens};
    describeKey(keyOf(set, row), made);
    if (std::vector<TokenId> stops = stopsOf(m_options, set, m_tokenizer); !stops.empty())
      made.finished = stopAt(std::move(stops));
    made.sha256 = hashOfIds(made.prepared.ids);
    return made;
  }

  [[nodiscard]] std::string answerOf(const Case&, std::string_view generated) const override {
    return m_decoding.cleans_up ? cleanedUp(std::string(generated)) : std::string(generated);
  }
  [[nodiscard]] std::map<std::string, double> scores(const Case& wanted, std::string_view answer) const override {
    const LongBenchSet& set = setOf(wanted);
    return scoresOf(keyOf(set, rowOf(set, wanted)), answer);
  }
  [[nodiscard]] std::string mainScore(const Case& wanted) const override {
    return std::string(setOf(wanted).dataset->metric);
  }

  [[nodiscard]] bool needsJieba() const {
    return std::ranges::any_of(
        m_folder.sets, [](const LongBenchSet& set) { return metrics::findMetric(set.dataset->metric).chinese; });
  }

 private:
  void addCases(const LongBenchSet& set, json& cases) const {
    std::vector<std::pair<std::string, json>> groups{{"", json::array()}};
    if (m_options.extended) groups = {{"0-4k", json::array()}, {"4-8k", json::array()}, {"8k+", json::array()}};
    for (std::size_t i = 0; i < set.rows.size(); ++i)
      for (auto& [bucket, rows] : groups)
        if (bucket.empty() || bucket == bucketOf(set.rows[i])) rows.push_back(i);
    for (auto& [bucket, rows] : groups) {
      if (rows.empty()) continue;
      json block{{"dataset", {set.name}}, {"row", rows}};
      if (m_options.extended) block["bucket"] = {bucket};
      cases.push_back(std::move(block));
    }
  }

  [[nodiscard]] const LongBenchSet& setOf(const Case& wanted) const {
    const auto found = m_sets.find(wanted.facets.text("dataset"));
    if (found == m_sets.end()) fail("case {}: the folder has no such set", wanted.id);
    return *found->second;
  }
  [[nodiscard]] static const Row& rowOf(const LongBenchSet& set, const Case& wanted) {
    const std::uint64_t row = wanted.facets.whole("row");
    if (row >= set.rows.size()) fail("case {}: {} has {} rows", wanted.id, set.name, set.rows.size());
    return set.rows[row];
  }

  // Tokens of the prompt before a frame is set around it.
  [[nodiscard]] std::uint64_t limitOf(const LongBenchSet& set) const {
    if (m_options.most_tokens > 0) return m_options.most_tokens;
    const std::uint64_t taken = set.new_tokens + kRoom;
    return m_positions > 2 * taken ? m_positions - taken : std::max<std::uint64_t>(m_positions / 2, 2);
  }

  [[nodiscard]] text::PreparedPrompt prepared(const LongBenchSet& set, const Row& row) const {
    const Place place = set.dataset->chat || m_options.frames_all ? m_options.frame.place : Place::None;
    std::string text = filledTemplate(set.prompt_template, row);
    if (place == Place::BeforeCutting) text = framed(m_options.frame, text);
    text = cutInTheMiddle(text, limitOf(set), m_decoding);
    if (place == Place::AfterCutting) text = framed(m_options.frame, text);
    text::PreparedPrompt prompt =
        encodedPrompt(std::move(text), place == Place::None || m_options.frame.adds_special, m_tokenizer);
    addLastSpan(prompt, "question", row.value.value("input", std::string()));
    return prompt;
  }

  LongBenchOptions m_options;
  LongBenchFolder m_folder;
  const text::Tokenizer& m_tokenizer;
  Decoding m_decoding;
  std::uint64_t m_positions;
  std::map<std::string, const LongBenchSet*> m_sets;
};

void openJieba() {
  try {
    (void)metrics::jieba();
  } catch (const Error& error) {
    fail("{}; or leave the Chinese sets out with --sets en,code", error.what());
  }
}

}  // namespace

std::unique_ptr<Task> openLongBenchTask(const TaskRequest& request, const TaskModel& model, Progress& progress) {
  LongBenchOptions options = readLongBenchOptions(request.values, request.where);
  const auto data = request.sources.find(kDataSource);
  if (data == request.sources.end() || data->second.empty())
    failUsage("no data: give --data LongBench's folder (with data/*.jsonl and config/*.json)");
  if (options.most_tokens > model.positions && !model.stretches)
    progress.warn(fmt::format("prompts may have {} tokens; {} supports {} positions", options.most_tokens, model.name,
                              model.positions));
  LongBenchFolder folder = readLongBench(data->second.front(), options);
  if (!folder.missing.empty())
    progress.warn(fmt::format("{}: leaves out {}, which the folder does not have", data->second.front().string(),
                              fmt::join(folder.missing, ", ")));
  if (folder.own_templates)
    progress.warn(
        fmt::format("{}: has no config/dataset2prompt.json; plain templates of KVAtlas are used, so the "
                    "scores cannot be compared with published ones",
                    data->second.front().string()));
  auto task = std::make_unique<LongBenchTask>(std::move(options), std::move(folder), model);
  if (task->needsJieba()) openJieba();
  return task;
}

}  // namespace kvatlas::evaluation
