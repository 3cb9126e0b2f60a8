#include "core/evaluation/needle_task.h"

#include <algorithm>
#include <map>

#include "core/base/error.h"
#include "core/evaluation/needle_settings.h"
#include "core/evaluation/prompts.h"
#include "core/evaluation/stops.h"

namespace kvatlas::evaluation {
namespace {

using results::Case;

NeedleCase needleOf(const Case& wanted) {
  return {.id = wanted.id,
          .length = static_cast<std::uint32_t>(wanted.facets.whole("length")),
          .depth = wanted.facets.number("depth"),
          .kind = parseNeedleKind(wanted.facets.text("kind")),
          .trial = static_cast<std::uint32_t>(wanted.facets.whole("trial"))};
}

void checkLengths(const PromptPlan& plan, const TaskModel& model, Progress& progress) {
  std::uint64_t last = 0;
  for (const std::uint32_t length : plan.lengths) {
    if (length > model.positions && !model.stretches)
      failUsage("--lengths {}: {} supports {} positions", length, model.name, model.positions);
    last = std::max<std::uint64_t>(last, length + std::uint64_t{model.most_new_tokens});
  }
  if (last > model.positions && !model.stretches)
    progress.warn(
        fmt::format("answers may reach position {}; {} supports {} positions", last, model.name, model.positions));
}

bool endsLine(std::string_view generated) {
  const auto begin = generated.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && generated.find('\n', begin) != std::string_view::npos;
}

// Exact: at the end of the answer; where the right one may stand in a sentence, at the end of the line. Paper: at the
// published stop tokens.
StopRule stopRuleOf(const NeedleValues& values, const RightAnswer& right, const text::Tokenizer& tokenizer) {
  if (values.plan.protocol == Protocol::Paper) {
    std::vector<TokenId> stops = endTokens(tokenizer);
    addLineBreak(tokenizer, stops);
    return stopAt(std::move(stops));
  }
  if (values.uncut || values.score != Score::Exact)
    return [&tokenizer](std::span<const TokenId> ids) { return endsLine(tokenizer.decode(ids, true)); };
  // An answer twice as long as the right one is wrong. Without a limit, one rambling branch would delay all others.
  const std::size_t most = 2 * tokenizer.encode(right.text, false).ids.size() + 4;
  return [right, &tokenizer, most](std::span<const TokenId> ids) {
    return ids.size() >= most || answerIsComplete(tokenizer.decode(ids, true), right);
  };
}

class NeedleTask final : public Task {
 public:
  NeedleTask(NeedleValues values, const HaystackText& haystack, const text::Tokenizer& tokenizer)
      : m_values(std::move(values)),
        m_haystack_name(haystack.name),
        m_haystack_sha256(haystack.sha256),
        m_tokenizer(tokenizer),
        m_prompts(m_values.plan, haystack, tokenizer) {}

  [[nodiscard]] nlohmann::json settings() const override {
    nlohmann::json values = needleJson(m_values);
    values[kHaystackSource] = {{"name", m_haystack_name}, {"sha256", m_haystack_sha256}};
    return values;
  }
  [[nodiscard]] std::uint64_t tokensOf(const Case& wanted) const override { return wanted.facets.whole("length"); }
  void check(const Case& wanted) const override { m_prompts.check(needleOf(wanted)); }
  [[nodiscard]] EvaluationPrompt prompt(const Case& wanted) const override {
    NeedlePrompt made = m_prompts.make(needleOf(wanted));
    EvaluationPrompt prompt;
    if (made.depth) prompt.details["depth_realised"] = *made.depth;
    const auto needle = std::ranges::find(made.prepared.spans, "needle", &text::PromptSpan::name);
    if (needle != made.prepared.spans.end()) prompt.details["needle_token"] = std::uint64_t{needle->begin};
    prompt.prepared = std::move(made.prepared);
    prompt.question = std::move(made.question);
    prompt.expected = made.right.text;
    prompt.finished = stopRuleOf(m_values, made.right, m_tokenizer);
    prompt.sha256 = std::move(made.sha256);
    return prompt;
  }
  // One sentence on depths that give the same place; empty: all differ.
  [[nodiscard]] std::string coincidences() const {
    std::size_t pairs = 0;
    std::string first;
    const PromptPlan& plan = m_values.plan;
    for (const std::uint32_t length : plan.lengths) {
      std::map<std::size_t, double> depths;  // by place
      for (const double depth : plan.depths) {
        const auto [same, added] = depths.emplace(
            m_prompts.place({.length = length, .depth = depth, .kind = plan.kinds.front(), .trial = 0}), depth);
        if (!added && pairs++ == 0) first = fmt::format("{} and {} % of --lengths {}", same->second, depth, length);
      }
    }
    if (pairs == 0) return {};
    const std::string others = pairs == 1 ? "" : fmt::format(", and {} more pairs,", pairs - 1);
    return fmt::format("the depths {}{} fall on the same place: no sentence ends between them", first, others);
  }
  [[nodiscard]] bool isExact() const { return m_values.plan.protocol == Protocol::Exact; }
  [[nodiscard]] std::string answerOf(const Case&, std::string_view generated) const override {
    return evaluation::answerOf(generated, m_values.plan.protocol);
  }
  [[nodiscard]] std::map<std::string, double> scores(const Case& wanted, std::string_view answer) const override {
    return allScores(answer, storyOf(m_values.plan, needleOf(wanted)).right);
  }
  [[nodiscard]] std::string mainScore(const Case&) const override { return std::string(nameOf(m_values.score)); }

 private:
  NeedleValues m_values;
  std::string m_haystack_name, m_haystack_sha256;
  const text::Tokenizer& m_tokenizer;
  PromptMaker m_prompts;
};

void warnOfCoincidences(const NeedleTask& task, Progress& progress) {
  try {
    if (const std::string notice = task.coincidences(); !notice.empty()) progress.warn(notice);
  } catch (const UsageError&) {
    return;  // a prompt that cannot be built; check() says so
  }
}

}  // namespace

TaskRequest needleRequest(const PromptPlan& plan, Score score, std::vector<std::filesystem::path> haystack,
                          bool uncut) {
  return {.name = results::kNeedleTask,
          .values = needleJson({plan, score, uncut}),
          .sources = {{kHaystackSource, std::move(haystack)}}};
}

std::unique_ptr<Task> openNeedleTask(const TaskRequest& request, const TaskModel& model, Progress& progress) {
  NeedleValues values = readNeedleValues(request.values, request.where);
  checkPlan(values.plan);
  checkLengths(values.plan, model, progress);
  const auto haystack = request.sources.find(kHaystackSource);
  const HaystackText text =
      readHaystack(haystack == request.sources.end() ? std::span<const std::filesystem::path>()
                                                     : std::span<const std::filesystem::path>(haystack->second));
  for (const std::string& notice : text.notices) progress.warn(notice);
  auto task = std::make_unique<NeedleTask>(std::move(values), text, model.tokenizer);
  if (task->isExact()) warnOfCoincidences(*task, progress);
  return task;
}

}  // namespace kvatlas::evaluation
