#include "capture/evaluation/head_scores.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "capture/evaluation/evaluation_model.h"
#include "capture/session/session.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/output_file.h"
#include "core/evaluation/task.h"
#include "core/results/writer.h"

namespace kvatlas::evaluation {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr double kRightAbove = 0.5;  // of the score that says whether a case counts, as published

const char* nameOf(HeadScore score) {
  return score == HeadScore::Copy ? "copy" : "attention";
}

// What the heads do in one case.
class CaseHeads {
 public:
  CaseHeads(const capture::ModelConfig& config, const text::PromptSpan& needle, HeadScore score, std::uint32_t steps)
      : m_heads(std::size_t{config.layers} * config.query_heads),
        m_per_layer(config.query_heads),
        m_needle(needle),
        m_score(score),
        m_best(score == HeadScore::Copy ? steps * m_heads : 0),
        m_mass(score == HeadScore::Attention ? steps * m_heads : 0) {}

  // Heads may come at the same time.
  void take(std::uint32_t step, LayerIndex layer, std::uint32_t head, std::uint64_t first, std::span<const float> row) {
    const std::size_t cell = step * m_heads + layer.value * m_per_layer + head;
    if (m_score == HeadScore::Copy)
      m_best.at(cell) = first + static_cast<std::uint64_t>(std::ranges::max_element(row) - row.begin());
    else
      m_mass.at(cell) = massOnNeedle(first, row);
  }

  // [layers, heads] once the answer is known.
  [[nodiscard]] std::vector<double> scores(std::span<const TokenId> prompt, std::span<const TokenId> answer) const {
    std::vector<double> sums(m_heads, 0.0);
    for (std::size_t step = 0; step < answer.size(); ++step)
      for (std::size_t head = 0; head < m_heads; ++head) {
        const std::size_t cell = step * m_heads + head;
        if (m_score == HeadScore::Attention)
          sums[head] += m_mass[cell];
        else if (inNeedle(m_best[cell]) && prompt[m_best[cell]] == answer[step])
          sums[head] += 1;
      }
    for (double& sum : sums) sum /= static_cast<double>(m_needle.end - m_needle.begin);
    return sums;
  }

 private:
  [[nodiscard]] bool inNeedle(std::uint64_t position) const {
    return position >= m_needle.begin && position < m_needle.end;
  }

  // Of the keys with the most mass, as many as the needle has tokens; ties to the lowest position.
  [[nodiscard]] double massOnNeedle(std::uint64_t first, std::span<const float> row) const {
    std::vector<std::uint32_t> order(row.size());
    std::iota(order.begin(), order.end(), 0U);
    const auto count = std::min<std::size_t>(m_needle.end - m_needle.begin, order.size());
    std::ranges::partial_sort(
        order, order.begin() + static_cast<std::ptrdiff_t>(count),
        [&](std::uint32_t a, std::uint32_t b) { return row[a] != row[b] ? row[a] > row[b] : a < b; });
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i)
      if (inNeedle(first + order[i])) sum += row[order[i]];
    return sum;
  }

  std::size_t m_heads, m_per_layer;
  text::PromptSpan m_needle;
  HeadScore m_score;
  std::vector<std::uint64_t> m_best;  // [steps, layers · heads] position
  std::vector<double> m_mass;         // the same shape
};

// Finished cases, a line each behind one with the settings.
class CaseFile {
 public:
  struct Done {
    bool right = false;
    std::vector<double> scores;
  };

  CaseFile(std::filesystem::path path, const json& settings, std::size_t heads) : m_path(std::move(path)) {
    const std::string header = settings.dump() + "\n";
    std::error_code code;
    if (std::filesystem::exists(m_path, code)) read(header, heads);
    m_file.open(m_path, m_done.empty() ? std::ios::trunc : std::ios::app);
    if (m_done.empty()) m_file << header << std::flush;
    requireWritten();
  }

  [[nodiscard]] const std::vector<Done>& done() const { return m_done; }

  void add(const Done& one) {
    m_file << json{{"right", one.right}, {"scores", one.scores}}.dump() << "\n" << std::flush;
    requireWritten();
    m_done.push_back(one);
  }

  void remove() {
    m_file.close();
    std::error_code code;
    std::filesystem::remove(m_path, code);
  }

 private:
  void requireWritten() const {
    if (!m_file) fail("{}: cannot be written", m_path.string());
  }

  // A line that was cut off is done again.
  void read(const std::string& header, std::size_t heads) {
    const std::string text = readFile(m_path);
    if (header.starts_with(text)) return;  // nothing was finished
    if (!text.starts_with(header))
      fail("{}: belongs to a table of heads with other settings; finish that one, or delete the file", m_path.string());
    std::size_t at = header.size();
    for (std::size_t end = text.find('\n', at); end != std::string::npos; at = end + 1, end = text.find('\n', at)) {
      const json line = json::parse(text.begin() + static_cast<std::ptrdiff_t>(at),
                                    text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
      if (!line.is_object() || !line.contains("right") || !line["right"].is_boolean() || !line.contains("scores") ||
          !line["scores"].is_array() || line["scores"].size() != heads ||
          !std::ranges::all_of(line["scores"], [](const json& value) { return value.is_number(); }))
        fail("{}: line {} is not a finished case", m_path.string(), m_done.size() + 2);
      m_done.push_back({line["right"], line["scores"].get<std::vector<double>>()});
    }
    if (at < text.size()) std::filesystem::resize_file(m_path, at);
  }

  std::filesystem::path m_path;
  std::vector<Done> m_done;
  std::ofstream m_file;
};

class HeadScoreRun {
 public:
  HeadScoreRun(const HeadScoreOptions& options, const WorkContext& work)
      : m_options(options),
        m_work(work),
        m_model(openForPrompts(options.evaluation.session)),
        m_task(openTask(options.evaluation.task, taskModelOf(*m_model, options.evaluation.session.max_new_tokens),
                        *work.progress)),
        m_cases(results::planOfTask(m_task->settings()).cases()) {
    capture::reportNotices(*m_model, work);
    requireReplaceable(options.evaluation.output);
    for (const results::Case& one : m_cases) m_task->check(one);
  }

  HeadScoreSummary run() {
    const auto start = Clock::now();
    loadWeights();
    const std::size_t heads = std::size_t{m_model->config.layers} * m_model->config.query_heads;
    CaseFile file(m_options.evaluation.output.string() + ".cases", settings(), heads);
    HeadScoreSummary summary{.cases = m_cases.size(),
                             .cases_before = file.done().size(),
                             .layers = m_model->config.layers,
                             .heads = m_model->config.query_heads};
    std::uint64_t all = 0, done = 0;
    for (std::size_t i = file.done().size(); i < m_cases.size(); ++i) all += m_task->tokensOf(m_cases[i]);
    m_work.progress->begin("heads", all);
    for (std::size_t i = file.done().size(); i < m_cases.size(); ++i) {
      m_work.checkStop();
      file.add(runCase(m_cases[i]));
      m_work.progress->advance(done += m_task->tokensOf(m_cases[i]));
    }
    m_work.progress->end();
    writeTable(file.done(), summary);
    file.remove();
    summary.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return summary;
  }

 private:
  void loadWeights() {
    std::uint64_t longest = 0;
    for (const results::Case& one : m_cases) longest = std::max(longest, m_task->tokensOf(one));
    capture::placeModel(*m_model, {.tokens = longest}, m_work);
    capture::loadWeights(*m_model, m_work);
  }

  [[nodiscard]] json settings() const {
    return {{"score", nameOf(m_options.score)},
            {"all", m_options.all},
            {"weights", m_model->decoder->weightsFingerprint()},
            {"dtype", m_model->dtype_name},
            {"max_new_tokens", m_options.evaluation.session.max_new_tokens},
            {"task", m_task->settings()}};
  }

  CaseFile::Done runCase(const results::Case& wanted) {
    const EvaluationPrompt prompt = m_task->prompt(wanted);
    const auto needle = std::ranges::find(prompt.prepared.spans, "needle", &text::PromptSpan::name);
    if (needle == prompt.prepared.spans.end()) fail("case {}: has no planted fact", wanted.id);
    const WorkContext quiet{.stop = m_work.stop};
    capture::SessionOptions options = m_options.evaluation.session;
    options.measure = false;
    if (prompt.most_new_tokens > 0) options.max_new_tokens = prompt.most_new_tokens;
    CaseHeads heads(m_model->config, *needle, m_options.score, options.max_new_tokens);
    capture::Session session(options, m_model, prompt.prepared, quiet);
    session.setFinished(prompt.finished);
    session.setRowSink([&](std::uint32_t step, LayerIndex layer, std::uint32_t head, std::uint64_t first,
                           std::span<const float> row) { heads.take(step, layer, head, first, row); });
    const capture::SessionResult result = session.run(quiet);
    const std::vector<TokenId>& ids = result.tracks[0].ids;
    const std::map<std::string, double> scores =
        m_task->scores(wanted, m_task->answerOf(wanted, m_model->tokenizer->decode(ids, true)));
    const double right = scores.at(m_options.score == HeadScore::Copy ? "word_overlap" : "rouge1_f");
    return {right > kRightAbove || scores.at("substring") == 1, heads.scores(prompt.prepared.ids, ids)};
  }

  void writeTable(const std::vector<CaseFile::Done>& done, HeadScoreSummary& summary) const {
    const auto counts = [&](const CaseFile::Done& one) { return one.right || m_options.all; };
    summary.counted = static_cast<std::size_t>(std::ranges::count_if(done, counts));
    if (summary.counted == 0)
      fail("none of {} cases was answered right: plant the facts in shorter prompts (--lengths), or count all (--all)",
           done.size());
    std::string text = "{";
    for (std::uint32_t head = 0; head < summary.layers * summary.heads; ++head) {
      json values = json::array();
      double sum = 0;
      for (const CaseFile::Done& one : done) {
        if (!counts(one)) continue;
        values.push_back(one.scores[head]);
        sum += one.scores[head];
      }
      summary.table.push_back(sum / static_cast<double>(summary.counted));
      text += fmt::format("{}\"{}-{}\": {}", head == 0 ? "" : ",\n ", head / summary.heads, head % summary.heads,
                          values.dump());
    }
    writeFileAtomically(m_options.evaluation.output, text + "}\n");
  }

  const HeadScoreOptions& m_options;
  const WorkContext& m_work;
  std::shared_ptr<capture::LoadedModel> m_model;
  std::unique_ptr<Task> m_task;
  std::vector<results::Case> m_cases;
};

}  // namespace

HeadScoreSummary runHeadScores(const HeadScoreOptions& options, const WorkContext& work) {
  return HeadScoreRun(options, work).run();
}

}  // namespace kvatlas::evaluation
