#include "core/evaluation/needle_task.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/evaluation/needle_settings.h"
#include "core/evaluation/prompts.h"

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

// In addition to the model's own end tokens: the tokenizer's, Llama 3's by name, the last token of a line break.
std::vector<TokenId> publishedStops(const text::Tokenizer& tokenizer) {
  std::vector<TokenId> stops;
  if (const auto eos = tokenizer.eos()) stops.push_back(*eos);
  for (const char* piece : {"<|eot_id|>", "<|end_of_text|>"})
    if (const auto id = tokenizer.idOf(piece)) stops.push_back(*id);
  if (const auto line_break = tokenizer.encode("\n", false).ids; !line_break.empty())
    stops.push_back(line_break.back());
  return stops;
}

// Exact: at the end of the answer. Paper: at the published stop tokens.
StopRule stopRuleOf(Protocol protocol, const RightAnswer& right, const text::Tokenizer& tokenizer) {
  if (protocol == Protocol::Paper)
    return [stops = publishedStops(tokenizer)](std::span<const TokenId> ids) {
      return std::ranges::find(stops, ids.back()) != stops.end();
    };
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
    return {.prepared = std::move(made.prepared),
            .question = std::move(made.question),
            .expected = made.right.text,
            .finished = stopRuleOf(m_values.plan.protocol, made.right, m_tokenizer),
            .sha256 = std::move(made.sha256)};
  }
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

}  // namespace

TaskRequest needleRequest(const PromptPlan& plan, Score score, std::vector<std::filesystem::path> haystack) {
  return {.name = results::kNeedleTask,
          .values = needleJson({plan, score}),
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
  return std::make_unique<NeedleTask>(std::move(values), text, model.tokenizer);
}

}  // namespace kvatlas::evaluation
