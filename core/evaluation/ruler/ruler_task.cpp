#include "core/evaluation/ruler/ruler_task.h"

#include <algorithm>
#include <numeric>

#include "core/base/error.h"
#include "core/evaluation/needle_task.h"
#include "core/evaluation/ruler/published_ruler.h"
#include "core/evaluation/ruler/ruler_fit.h"

namespace kvatlas::evaluation {
namespace {

using nlohmann::json;
using results::Case;

class GeneratedRuler final : public RulerTaskBase {
 public:
  GeneratedRuler(RulerOptions options, const TaskModel& model, const Sources& sources)
      : RulerTaskBase(std::move(options), model) {
    for (const std::string& task : m_options.tasks)
      if (const char* source = findRulerTask(task).source; source != nullptr) open(source, task, sources);
  }

  [[nodiscard]] std::uint64_t tokensOf(const Case& wanted) const override {
    const std::uint64_t length = wanted.facets.whole("length");
    if (length <= newTokens(wanted))
      failUsage("--lengths {}: an answer of {} may have {} tokens, none are left for the prompt", length,
                wanted.facets.text("task"), newTokens(wanted));
    return length - newTokens(wanted);
  }
  // Builds one prompt of each task and length.
  void check(const Case& wanted) const override {
    if (wanted.facets.whole("row") == 0) (void)fitted(wanted);
  }
  [[nodiscard]] EvaluationPrompt prompt(const Case& wanted) const override {
    RulerPrompt made = fitted(wanted);
    EvaluationPrompt prompt = promptOf(wanted, std::move(made.prepared),
                                       made.text.question.substr(1) + made.text.answer_start, made.text.answers);
    prompt.details["padding"] = std::uint64_t{made.padding};
    return prompt;
  }

 protected:
  [[nodiscard]] json cases() const override {
    std::vector<std::uint64_t> rows(m_options.rows);
    std::iota(rows.begin(), rows.end(), 0);
    return json::array({{{"task", m_options.tasks}, {"length", m_options.lengths}, {"row", rows}}});
  }
  // They do not depend on the filling.
  [[nodiscard]] std::vector<std::string> answersFor(const Case& wanted) const override {
    const RulerTask& task = findRulerTask(wanted.facets.text("task"));
    return task
        .make(
            m_material, randomFor(wanted),
            {.number = wanted.facets.whole("row"), .length = wanted.facets.whole("length"), .units = task.least_units})
        .answers;
  }

 private:
  void open(const std::string& source, const std::string& task, const Sources& sources) {
    if (m_sources.contains(source)) return;
    const auto paths = sources.find(source);
    if (paths == sources.end() || paths->second.empty())
      failUsage("--tasks {}: needs --{} with {}", task, source,
                source == kHaystackSource ? "a text" : "the published JSON file");
    if (source == kHaystackSource) {
      const HaystackText text = readHaystack(paths->second);
      m_material.text = wordsOf(text);
      m_sources[source] = {text.name, text.sha256};
      return;
    }
    auto& set = source == kSquadSource ? m_material.squad : m_material.hotpot;
    set = source == kSquadSource ? readSquad(paths->second.front()) : readHotpot(paths->second.front());
    m_sources[source] = {set->name, set->sha256};
  }

  [[nodiscard]] Random randomFor(const Case& wanted) const {
    const auto known = metrics::ruler();
    const auto task = std::ranges::find(known, wanted.facets.text("task"), &metrics::Dataset::name) - known.begin();
    return Random(m_options.seed,
                  {static_cast<std::uint64_t>(task), wanted.facets.whole("length"), wanted.facets.whole("row")});
  }

  [[nodiscard]] RulerPrompt fitted(const Case& wanted) const {
    return fitRuler(findRulerTask(wanted.facets.text("task")), m_material, randomFor(wanted),
                    {wanted.facets.whole("row"), wanted.facets.whole("length"), tokensOf(wanted)}, m_options.frame,
                    m_tokenizer);
  }

  RulerMaterial m_material;
};

void checkOptions(const RulerOptions& options, const TaskModel& model) {
  if (options.tasks.empty()) failUsage("--tasks: names no task");
  if (options.lengths.empty()) failUsage("--lengths: names no length");
  if (options.rows == 0 && !options.published) failUsage("--rows 0: needs at least one row");
  for (const std::uint64_t length : options.lengths)
    if (length > model.positions && !model.stretches)
      failUsage("--lengths {}: {} supports {} positions", length, model.name, model.positions);
}

}  // namespace

std::unique_ptr<Task> openRulerTask(const TaskRequest& request, const TaskModel& model, Progress&) {
  RulerOptions options = readRulerOptions(request.values, request.where);
  checkOptions(options, model);
  if (!options.published) return std::make_unique<GeneratedRuler>(std::move(options), model, request.sources);
  const auto data = request.sources.find(kDataSource);
  if (data == request.sources.end() || data->second.empty())
    failUsage("no data: give --data the folder of RULER's files");
  return std::make_unique<PublishedRuler>(std::move(options), model, data->second.front());
}

}  // namespace kvatlas::evaluation
