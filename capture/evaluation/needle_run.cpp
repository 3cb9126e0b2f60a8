#include "capture/evaluation/needle_run.h"

#include <chrono>
#include <numeric>

#include "capture/evaluation/needle_model.h"
#include "capture/evaluation/needle_settings.h"
#include "capture/session/session.h"
#include "core/base/error.h"
#include "core/evaluation/prompts.h"
#include "core/results/writer.h"

namespace kvatlas::evaluation {
namespace {

using Clock = std::chrono::steady_clock;

void checkLengths(const NeedleOptions& options, const capture::ModelConfig& config, Progress& progress) {
  const bool dynamic = config.rope.scaling == capture::RopeScaling::Dynamic;
  std::uint64_t last = 0;
  for (const std::uint32_t length : options.plan.lengths) {
    if (length > config.max_positions && !dynamic)
      failUsage("--lengths {}: {} was made for {} positions", length, config.name, config.max_positions);
    last = std::max<std::uint64_t>(last, length + std::uint64_t{options.session.max_new_tokens});
  }
  if (last > config.max_positions && !dynamic)
    progress.warn(fmt::format("answers may reach position {}; {} was made for {} positions", last, config.name,
                              config.max_positions));
}

// The branches are the same for every length; a budget in percent may be impossible for the shortest only.
std::vector<capture::Branch> planAllBranches(const NeedleOptions& options, const capture::ModelConfig& config) {
  std::vector<capture::Branch> branches;
  for (const std::uint32_t length : options.plan.lengths)
    branches = capture::planBranches(options.session, {config.layers, config.query_heads, config.kv_heads, length});
  return branches;
}

class NeedleRun {
 public:
  NeedleRun(const NeedleOptions& options, const WorkContext& work)
      : m_options(options), m_work(work), m_model(openForPrompts(options.session)) {
    checkPlan(options.plan);
    checkLengths(options, m_model->config, *work.progress);
    const std::vector<capture::Branch> branches = planAllBranches(options, m_model->config);
    const HaystackText haystack = readHaystack(options.haystack);
    m_prompts.emplace(options.plan, haystack, *m_model->tokenizer);
    const results::Settings settings = settingsOf(options, identityOf(*m_model), haystack, branches);
    for (const results::Case& planned : settings.cases()) m_prompts->check(caseOf(planned));
    m_writer.emplace(options.output, settings);
    writeOrigin(options.output, {options.session.model, options.haystack});
    if (!m_writer->cutAway().empty()) work.progress->warn(m_writer->cutAway());
  }

  NeedleSummary run() {
    NeedleSummary summary{.cases = m_writer->casesDone() + m_writer->remaining().size(),
                          .cases_before = m_writer->casesDone()};
    if (m_writer->remaining().empty()) return summary;
    capture::placeModel(*m_model, {.tokens = longestRemaining()}, m_work);
    capture::loadWeights(*m_model, m_work);
    const auto start = Clock::now();
    // A case takes about as long as it has tokens.
    const auto cases = m_writer->remaining();
    m_work.progress->begin("needle", std::accumulate(cases.begin(), cases.end(), std::uint64_t{0},
                                                     [](auto sum, const auto& next) { return sum + next.length; }));
    for (std::uint64_t done = 0; !m_writer->remaining().empty();) {
      const results::Case planned = m_writer->remaining().front();
      summary.prefill_seconds += runCase(caseOf(planned));
      m_work.progress->advance(done += planned.length);
    }
    m_work.progress->end();
    summary.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return summary;
  }

 private:
  [[nodiscard]] std::uint64_t longestRemaining() const {
    const auto cases = m_writer->remaining();
    return std::ranges::max_element(cases, {}, &results::Case::length)->length;
  }

  double runCase(const NeedleCase& wanted) {
    m_work.checkStop();
    const NeedlePrompt prompt = m_prompts->make(wanted);
    const WorkContext quiet{.stop = m_work.stop};
    capture::SessionOptions options = m_options.session;
    options.measure = false;
    capture::Session session(options, m_model, prompt.prepared, quiet);
    session.setFinished(finishedTest(m_options.plan, prompt, *m_model->tokenizer));
    const capture::SessionResult result = session.run(quiet);
    std::vector<results::NeedleRecord> records;
    for (std::size_t branch = 0; branch < result.branches.size(); ++branch)
      records.push_back(recordOf(wanted, prompt, result, branch));
    m_writer->append(records);
    return result.prefill_seconds;
  }

  [[nodiscard]] results::NeedleRecord recordOf(const NeedleCase& wanted, const NeedlePrompt& prompt,
                                               const capture::SessionResult& result, std::size_t index) const {
    const capture::Branch& branch = result.branches[index];
    const std::string answer =
        answerOf(m_model->tokenizer->decode(result.tracks[index].ids, true), m_options.plan.protocol);
    std::map<std::string, double> scores = allScores(answer, prompt.right);
    return {.case_id = wanted.id,
            .prompt_sha256 = prompt.sha256,
            .length = wanted.length,
            .tokens = prompt.prepared.ids.size(),
            .depth = wanted.depth,
            .trial = wanted.trial,
            .kind = std::string(nameOf(wanted.kind)),
            .method = std::string(branch.request.method->name),
            .label = methodLabel(branch),
            .budget = branch.isFull() ? "full" : branch.budget.text,
            .budget_nominal = static_cast<double>(branch.setting.budget),
            .kept = branch.decision.meanKept(),
            .question = prompt.question,
            .expected = prompt.right.text,
            .answer = answer,
            .score = scores.at(std::string(nameOf(m_options.score))),
            .scores = std::move(scores),
            .prefill_seconds = result.prefill_seconds,
            .seconds = result.branch_seconds[index]};
  }

  const NeedleOptions& m_options;
  const WorkContext& m_work;
  std::shared_ptr<capture::LoadedModel> m_model;
  std::optional<PromptMaker> m_prompts;
  std::optional<results::ResultsWriter> m_writer;
};

}  // namespace

NeedleSummary runNeedle(const NeedleOptions& options, const WorkContext& work) {
  return NeedleRun(options, work).run();
}

}  // namespace kvatlas::evaluation
