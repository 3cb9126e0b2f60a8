// Checks the numbers of a whole trace for consistency.
#include <algorithm>
#include <cmath>
#include <functional>

#include "core/base/error.h"
#include "core/trace/reader.h"
#include "core/trace/schema.h"
#include "core/trace/validate/validate_attended.h"
#include "core/trace/validate/validate_evicted.h"
#include "core/trace/validate/validate_header.h"
#include "core/trace/validate/validate_map.h"
#include "core/trace/validate/validate_merged.h"
#include "core/trace/validate/validate_retained.h"
#include "core/trace/validate/validate_signals.h"
#include "core/trace/validate/validate_steps.h"

namespace kvatlas::trace {
namespace {

namespace member = schema::member;

class Validation {
 public:
  Validation(const std::filesystem::path& path, const WorkContext& work)
      : m_work(work),
        m_reader(path),
        m_header(m_reader.header()),
        m_tokens(m_reader.tokens()),
        m_tolerance(massTolerance(m_header.model)),
        m_signals(m_header),
        m_maps(m_reader, m_tolerance) {}

  std::vector<Finding> run() {
    const std::uint64_t heads = m_header.model.query_heads;
    m_work.progress->begin("validate", m_header.attention.layers.size() * heads + m_header.runs.size());
    if (!m_reader.complete()) add("/", "the capture did not finish; later data is missing");
    for (Finding& finding : headerFindings(m_header)) m_findings.push_back(std::move(finding));
    checkPrompt();
    readReference();
    guarded("/experts", [&](const std::string& where) { checkExperts(where); });
    for (const LayerIndex layer : m_header.attention.layers) {
      guarded("/attention/" + schema::numbered(layer.value),
              [&](const std::string& where) { checkLayer(layer, where); });
    }
    for (std::size_t index = 0; index < m_header.runs.size(); ++index) {
      guarded("/runs/" + schema::numbered(index), [&](const std::string& where) { checkRun(index, where); });
    }
    m_work.progress->end();
    return std::move(m_findings);
  }

 private:
  void add(const std::string& where, const std::string& problem) { m_findings.push_back({where, problem}); }
  void require(bool holds, const std::string& where, const std::string& problem) {
    if (!holds) add(where, problem);
  }
  // An unreadable part is a finding too; the rest is still checked.
  void guarded(const std::string& where, const std::function<void(const std::string&)>& body) {
    try {
      body(where);
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& error) {
      add(where, error.what());
    }
  }

  void step() {
    m_work.checkStop();
    m_work.progress->advance(++m_done);
  }

  void checkPrompt() {
    const Prompt& prompt = m_header.prompt;
    const auto foreign =
        std::find_if(prompt.ids.begin(), prompt.ids.end(), [&](TokenId id) { return id >= m_header.model.vocab_size; });
    require(foreign == prompt.ids.end(), "/prompt/ids", "an id lies outside the vocabulary");
    require(prompt.offsets.back() == prompt.text.size(), "/prompt/offsets", "does not end where the text ends");
    const Question& question = prompt.question;
    require(std::ranges::all_of(question.ids, [&](TokenId id) { return id < m_header.model.vocab_size; }),
            "/prompt/question/ids", "an id lies outside the vocabulary");
    require(question.ids.empty() || question.offsets.back() == question.text.size(), "/prompt/question/offsets",
            "does not end where the text ends");
    guarded("/prompt/next_logits", [&](const std::string& where) {
      const auto logits = m_reader.nextLogits();
      if (!logits) return require(!m_reader.complete(), where, "is missing");
      require(allFinite(*logits), where, "holds a value that is not finite");
    });
    guarded("/notes", [&](const std::string& where) {
      if (const auto problem = notesProblem(m_reader.notes())) add(where, *problem);
    });
  }

  // What is damaged in it is reported elsewhere.
  void readReference() {
    try {
      // With a question, each run's first token follows from what it kept.
      const auto logits = m_header.prompt.question.ids.empty() ? m_reader.nextLogits() : std::nullopt;
      if (logits) m_reference.first = argmaxOf(*logits);
      if (m_header.runs.empty()) return;
      if (auto full = m_reader.run(0, RunParts::WithoutPositions)) m_reference.full_ids = std::move(full->decode_ids);
    } catch (const Error&) {
    }
  }

  void checkExperts(const std::string& where) {
    const ModelInfo& model = m_header.model;
    if (model.experts == 0) return;
    const auto use = m_reader.experts();
    if (!use) return require(!m_reader.complete(), where, "was not recorded");
    for (std::size_t layer = 0; layer < model.layers; ++layer) {
      std::uint64_t tokens = 0;
      double weight = 0;
      for (std::size_t i = layer * model.experts; i < (layer + 1) * model.experts; ++i) {
        tokens += use->tokens[i];
        weight += use->weight[i];
        const double share = double(use->tokens[i]) / double(m_tokens);
        if (share <= 1 && use->weight[i] >= 0 && use->weight[i] <= share + m_tolerance) continue;
        return add(where, fmt::format("expert {} of layer {} has {} tokens of {} and a weight of {}", i % model.experts,
                                      layer, use->tokens[i], m_tokens, use->weight[i]));
      }
      if (tokens != m_tokens * model.experts_per_token)
        return add(where + "/tokens", fmt::format("layer {} sends {} tokens to experts, expected {}", layer, tokens,
                                                  m_tokens * model.experts_per_token));
      if (!(std::abs(weight - 1) <= m_tolerance))
        return add(where + "/weight", fmt::format("layer {} sums to {}, expected 1", layer, weight));
    }
  }

  void checkLayer(LayerIndex layer, const std::string& where) {
    if (!m_reader.hasLayer(layer)) return add(where, "was not recorded");
    for (std::uint32_t head = 0; head < m_header.model.query_heads; ++head) {
      if (m_reader.hasHead(HeadIndex(head))) checkHead(layer, HeadIndex(head), where);
      step();
    }
    const auto take = [&](const std::optional<Finding>& finding) {
      if (finding) add(where + "/" + finding->member, finding->problem);
    };
    for (const SignalInfo& info : signalTable()) {
      if (info.heads != SignalHeads::Kv) continue;
      if (const auto values = m_reader.signal(layer, info.signal)) take(m_signals.ofKvHeads(info, *values));
    }
    for (std::uint32_t head = 0; head < m_header.model.kv_heads; ++head)
      if (const auto bits = m_reader.keyBits(layer, KvHeadIndex(head)))
        take(SignalCheck::ofBits(member::kKey, *bits, head));
  }

  void checkHead(LayerIndex layer, HeadIndex head, const std::string& where) {
    SignalCheck::HeadSignals signals;
    for (const SignalInfo& info : signalTable())
      if (info.heads == SignalHeads::Query) signals[info.signal] = m_reader.signalOfHead(layer, info.signal, head);
    for (const Finding& finding : m_signals.ofQueryHead(head, signals))
      add(where + "/" + finding.member, finding.problem);
    if (const auto bits = m_reader.queryBits(layer, head))
      if (const auto finding = SignalCheck::ofBits(member::kQuery, *bits, head.value))
        add(where + "/" + finding->member, finding->problem);
    for (const MapProblem& problem : m_maps.check(layer, head))
      add(where + "/" + problem.member, fmt::format("{} (head {})", problem.problem, head.value));
  }

  void checkRun(std::size_t index, const std::string& where) {
    step();
    const auto run = m_reader.run(index);
    if (!run) return add(where, "was not recorded");
    const std::size_t before = m_findings.size();
    checkKept(*run, m_header.runs[index], where);
    if (const auto problem = evictionProblem(m_header, m_header.runs[index], *run))
      add(where + "/decode/evicted", *problem);
    checkAttended(index, *run, where + "/decode/");
    checkSteps(m_header, m_header.runs[index], *run, m_reference,
               [&](const std::string& member, const std::string& problem) { add(where + member, problem); });
    if (m_findings.size() > before) return;
    if (const auto wrong = mergedProblem(m_header, m_header.runs[index], *run))
      add(where + "/" + wrong->member, wrong->problem);
    if (const auto problem = retainedProblem(m_reader, m_header.runs[index], *run, m_tolerance))
      add(where + "/retained", *problem);
  }

  void checkAttended(std::size_t index, const RunRecord& run, const std::string& where) {
    const AttendedCheck check(m_header, m_header.runs[index], run, m_tolerance);
    for (std::uint32_t layer = 0; layer < m_header.model.layers; ++layer) {
      m_work.checkStop();
      const auto attended = m_reader.attended(index, LayerIndex(layer));
      if (!attended) return;
      if (const auto problem = check.check(LayerIndex(layer), *attended)) return add(where + "attended", *problem);
      const auto question = m_reader.questionAttended(index, LayerIndex(layer));
      if (!question) continue;
      if (const auto problem = check.checkQuestion(LayerIndex(layer), *question))
        return add(where + "question_attended", *problem);
    }
  }

  void checkKept(const RunRecord& run, const RunHeader& header, const std::string& where) {
    for (std::size_t row = 0; row < run.capacity.size(); ++row) {
      const auto kept = run.kept(row);
      const auto first = kept.begin(), last = kept.end();
      const std::string who = fmt::format(" (layer {}, head {})", row / header.heads, row % header.heads);
      if (last - first != std::ptrdiff_t{run.capacity[row]})
        return add(where + "/capacity", "differs from the number of kept positions" + who);
      if (header.is_full && run.capacity[row] != m_tokens)
        return add(where + "/capacity", "the full cache lacks tokens" + who);
      if (std::adjacent_find(first, last, std::greater_equal<>()) != last)
        return add(where + "/kept/positions", "are not ascending" + who);
      if (first != last && *(last - 1) >= m_tokens)
        return add(where + "/kept/positions", "lie outside the prompt" + who);
    }
    const double mean = double(run.keptTokens()) / double(std::max<std::size_t>(run.capacity.size(), 1));
    require(std::abs(mean - run.budget_realised) <= 1e-6 * mean + 1e-9, where,
            fmt::format("budget_realised is {}, {} tokens are kept per head", run.budget_realised, mean));
  }

  const WorkContext& m_work;
  Reader m_reader;
  const TraceHeader& m_header;
  std::size_t m_tokens;
  double m_tolerance;
  SignalCheck m_signals;
  MapCheck m_maps;
  Reference m_reference;
  std::uint64_t m_done = 0;
  std::vector<Finding> m_findings;
};

}  // namespace

std::vector<Finding> validate(const std::filesystem::path& path, const WorkContext& work) {
  return Validation(path, work).run();
}

}  // namespace kvatlas::trace
