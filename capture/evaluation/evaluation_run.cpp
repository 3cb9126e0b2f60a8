#include "capture/evaluation/evaluation_run.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>

#include "capture/evaluation/evaluation_model.h"
#include "capture/evaluation/run_settings.h"
#include "capture/session/session.h"
#include "core/evaluation/origin.h"
#include "core/evaluation/question_split.h"
#include "core/results/batches.h"
#include "core/results/writer.h"
#include "core/runs/names.h"

namespace kvatlas::evaluation {
namespace {

using Clock = std::chrono::steady_clock;

policy::Shape shapeOf(const capture::ModelConfig& config, std::uint64_t tokens) {
  return {config.layers, config.query_heads, config.kv_heads, static_cast<std::uint32_t>(tokens)};
}

// Branches are the same for every length, but a percentage budget may be too small for the shortest.
std::vector<capture::Branch> planAllBranches(const capture::SessionOptions& session, const Task& task,
                                             const capture::ModelConfig& config) {
  std::vector<capture::Branch> branches;
  std::set<std::uint64_t> lengths;
  for (const results::Case& one : results::planOfTask(task.settings()).cases())
    if (const std::uint64_t tokens = task.tokensOf(one); lengths.insert(tokens).second)
      branches = capture::planBranches(session, shapeOf(config, tokens));
  return branches;
}

class EvaluationRun {
 public:
  EvaluationRun(const EvaluationOptions& options, const WorkContext& work)
      : m_options(options),
        m_work(work),
        m_model(openForPrompts(options.session)),
        m_task(openTask(options.task, taskModelOf(*m_model, options.session.max_new_tokens), *work.progress)) {
    capture::reportNotices(*m_model, work);
    const std::vector<capture::Branch> branches = planAllBranches(options.session, *m_task, m_model->config);
    const results::Settings settings = settingsOf(options, *m_task, identityOf(*m_model), branches);
    for (const results::Case& planned : settings.cases()) m_task->check(planned);
    m_writer.emplace(options.output, settings);
    m_cases = settings.cases();
    writeOrigin(options.output, {options.session.model, options.task.sources});
    if (!m_writer->cutAway().empty()) work.progress->warn(m_writer->cutAway());
  }

  EvaluationSummary run() {
    m_summary = {.cases = m_cases.size(), .cases_before = m_writer->casesDone()};
    if (m_writer->remaining().empty()) return m_summary;
    std::uint64_t longest = 0, sum = 0;
    for (const results::Case& one : m_writer->remaining()) {
      longest = std::max(longest, m_task->tokensOf(one));
      sum += m_task->tokensOf(one);
    }
    capture::placeModel(*m_model, {.tokens = longest, .branches = m_options.batch, .kept_share = 1.0}, m_work);
    capture::loadWeights(*m_model, m_work);
    const auto start = Clock::now();
    // A case's time is about proportional to its tokens.
    m_work.progress->begin(m_options.task.name, sum);
    while (!m_writer->remaining().empty()) runBatch(results::batchOf(m_options.batch, m_cases, m_writer->casesDone()));
    m_work.progress->end();
    m_summary.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return m_summary;
  }

 private:
  // A case whose branches are ready to decode.
  struct Started {
    EvaluationPrompt prompt;
    std::vector<TokenId> question;  // behind the compressed context
  };

  // Cases of the batch that an earlier run has written are decoded again, as the others' last bits depend on them.
  void runBatch(const results::CaseRange& batch) {
    std::vector<Started> started(batch.end - batch.begin);
    std::vector<std::unique_ptr<capture::PendingAnswer>> answers;
    std::uint64_t tokens = 0;
    for (std::size_t i = batch.begin; i < batch.end; ++i) {
      m_work.checkStop();
      answers.push_back(start(i, started[i - batch.begin]));
      if (i < m_writer->casesDone()) continue;
      tokens += m_task->tokensOf(m_cases[i]);
      if (started.size() > 1) m_work.progress->advance(m_tokens_done + tokens / 2);
    }
    const std::vector<capture::SessionResult> results = capture::decodeAnswers(answers, {.stop = m_work.stop});
    for (std::size_t i = m_writer->casesDone(); i < batch.end; ++i)
      write(m_cases[i], started[i - batch.begin].prompt, results[i - batch.begin]);
    m_work.progress->advance(m_tokens_done += tokens);
  }

  // Prefill and decisions of a case, unless it asks about the same compressed context as the one before it.
  [[nodiscard]] std::unique_ptr<capture::PendingAnswer> start(std::size_t index, Started& into) {
    const results::Case& wanted = m_cases[index];
    into.prompt = m_task->prompt(wanted);
    const WorkContext quiet{.stop = m_work.stop};
    capture::SessionOptions options = m_options.session;
    options.measure = false;
    if (into.prompt.most_new_tokens > 0) options.max_new_tokens = into.prompt.most_new_tokens;
    const bool context = options.prompt.compress == capture::Compress::Context;
    text::PreparedPrompt prompt = into.prompt.prepared;
    if (context) {
      prompt = splitAtQuestion(std::move(prompt), wanted.id);
      into.question = std::move(prompt.questions.front().ids);
      prompt.questions.clear();
    }
    const bool shares = context && m_session && m_context == wanted.context && m_session->prompt().ids == prompt.ids;
    if (!shares) {
      m_session.reset();
      m_session = std::make_unique<capture::Session>(options, m_model, std::move(prompt), quiet);
      m_context = wanted.context;
      m_session->prefill(quiet);
      ++m_summary.prefills;
    }
    const bool asked_again = context && index + 1 < m_cases.size() && m_cases[index + 1].context == wanted.context;
    auto answer = m_session->prepare({.question = into.question,
                                      .max_new_tokens = options.max_new_tokens,
                                      .finished = into.prompt.finished,
                                      .on_token = {},
                                      .last = !asked_again},
                                     quiet);
    if (shares) answer->result.prefill_seconds = 0;
    m_summary.prefill_seconds += answer->result.prefill_seconds;
    return answer;
  }

  void write(const results::Case& wanted, const EvaluationPrompt& prompt, const capture::SessionResult& result) {
    if (const std::string notice = capture::idsWithoutText(*m_model, result); !notice.empty() && !m_told) {
      m_work.progress->warn(notice + "; said once");
      m_told = true;
    }
    std::vector<results::Record> records;
    for (std::size_t branch = 0; branch < result.branches.size(); ++branch)
      records.push_back(recordOf(wanted, prompt, result, branch));
    m_writer->append(records);
  }

  [[nodiscard]] results::Record recordOf(const results::Case& wanted, const EvaluationPrompt& prompt,
                                         const capture::SessionResult& result, std::size_t index) const {
    const capture::Branch& branch = result.branches[index];
    const std::string answer = m_task->answerOf(wanted, m_model->tokenizer->decode(result.tracks[index].ids, true));
    std::map<std::string, double> scores = m_task->scores(wanted, answer);
    std::map<std::string, results::FacetValue> details = prompt.details;
    details["cache_bytes"] = result.branch_bytes[index];
    return {.case_id = wanted.id,
            .prompt_sha256 = prompt.sha256,
            .facets = wanted.facets,
            .tokens = prompt.prepared.ids.size(),
            .method = std::string(branch.request.method->name),
            .label = methodLabel(branch),
            .budget = branch.isFull() ? "full" : branch.budget.text,
            .budget_nominal = static_cast<double>(branch.setting.budget),
            .kept = branch.decision.meanKept(),
            .question = prompt.question,
            .expected = prompt.expected,
            .answer = answer,
            .also_right = prompt.also_right,
            .details = std::move(details),
            .score = scores.at(m_task->mainScore(wanted)),
            .scores = std::move(scores),
            .prefill_seconds = result.prefill_seconds,
            .seconds = result.branch_seconds[index]};
  }

  const EvaluationOptions& m_options;
  const WorkContext& m_work;
  std::shared_ptr<capture::LoadedModel> m_model;
  std::unique_ptr<Task> m_task;
  std::optional<results::ResultsWriter> m_writer;
  std::vector<results::Case> m_cases;           // of this shard
  std::unique_ptr<capture::Session> m_session;  // of the last case
  std::uint64_t m_context = 0;                  // its context
  std::uint64_t m_tokens_done = 0;
  EvaluationSummary m_summary;
  bool m_told = false;  // of ids without text
};

}  // namespace

EvaluationSummary runEvaluation(const EvaluationOptions& options, const WorkContext& work) {
  return EvaluationRun(options, work).run();
}

}  // namespace kvatlas::evaluation
