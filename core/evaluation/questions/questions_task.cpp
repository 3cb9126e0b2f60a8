#include "core/evaluation/questions/questions_task.h"

#include <algorithm>
#include <mutex>
#include <span>

#include "core/base/error.h"
#include "core/evaluation/questions/question_rows.h"
#include "core/metrics/segmenter.h"

namespace kvatlas::evaluation {
namespace {

using nlohmann::json;
using results::Case;

constexpr std::string_view kContext = "{context}", kQuestion = "{question}";
constexpr const char* kDefaultTemplate = "{context}\n\nQuestion: {question}\nAnswer:";

json questionsJson(const QuestionOptions& options) {
  return {{"metric", options.metric},
          {"template", options.prompt_template},
          {"rows", options.rows},
          {"most_tokens", options.most_tokens},
          {"new_tokens", options.new_tokens},
          {"adds_special", options.adds_special}};
}

QuestionOptions readOptions(const json& values, const std::string& where) {
  try {
    return {.metric = values.at("metric").get<std::string>(),
            .prompt_template = values.at("template").get<std::string>(),
            .adds_special = values.at("adds_special").get<bool>(),
            .rows = values.at("rows").get<std::uint64_t>(),
            .most_tokens = values.at("most_tokens").get<std::uint64_t>(),
            .new_tokens = values.at("new_tokens").get<std::uint32_t>()};
  } catch (const json::exception& error) {
    fail("{}: not the settings of a run of questions: {}", where, error.what());
  }
}

void checkTemplate(const std::string& text) {
  const auto context = text.find(kContext), question = text.find(kQuestion);
  const bool once = context == text.rfind(kContext) && question == text.rfind(kQuestion);
  if (context == std::string::npos || question == std::string::npos || question < context || !once)
    failUsage("--template: expected {{context}} and then {{question}}, each once");
}

class QuestionsTask final : public Task {
 public:
  QuestionsTask(QuestionOptions options, QuestionFile file, const TaskModel& model)
      : m_options(std::move(options)),
        m_file(std::move(file)),
        m_tokenizer(model.tokenizer),
        m_positions(model.positions) {
    const std::string& shape = m_options.prompt_template;
    const auto context = shape.find(kContext), question = shape.find(kQuestion);
    m_head = shape.substr(0, context);
    m_between = shape.substr(context + kContext.size(), question - context - kContext.size());
    m_tail = shape.substr(question + kQuestion.size());
  }

  [[nodiscard]] json settings() const override {
    json values = questionsJson(m_options);
    const bool grouped = isGrouped();
    const auto facet = [](const char* name, const char* type) { return json{{"name", name}, {"type", type}}; };
    values["facets"] = {facet("context", "whole"), facet("number", "whole")};
    if (grouped) values["facets"].insert(values["facets"].begin(), facet("set", "text"));
    values["cases"] = json::array();
    for (std::size_t i = 0; i < m_file.contexts.size(); ++i) {
      std::vector<std::size_t> numbers(m_file.contexts[i].questions.size());
      for (std::size_t n = 0; n < numbers.size(); ++n) numbers[n] = n;
      json block{{"context", {i}}, {"number", numbers}};
      if (grouped) block["set"] = {m_file.contexts[i].set};
      values["cases"].push_back(std::move(block));
    }
    values.update(json{{"task", kQuestionsTask},
                       {"score", m_options.metric},
                       {"case_id", grouped ? "{set}-c{context}-q{number}" : "c{context}-q{number}"},
                       {"context_facets", grouped ? 2U : 1U},
                       {kDataSource, {{"name", m_file.name}, {"sha256", m_file.sha256}}}});
    return values;
  }

  [[nodiscard]] std::uint64_t tokensOf(const Case& wanted) const override {
    constexpr std::size_t kBytesPerToken = 4;
    return std::clamp<std::uint64_t>(contextOf(wanted).text.size() / kBytesPerToken, 1, limitFor(questionOf(wanted)));
  }
  void check(const Case& wanted) const override { (void)questionOf(wanted); }

  [[nodiscard]] EvaluationPrompt prompt(const Case& wanted) const override {
    const AskedQuestion& asked = questionOf(wanted);
    EvaluationPrompt made;
    const Shared shared = sharedAt(wanted);
    made.prepared = encoded(shared.text, asked);
    made.context_tokens = shared.tokens;
    made.question = asked.text;
    made.most_new_tokens = asked.new_tokens;
    describeKey(asked.key, made);
    made.sha256 = hashOfIds(made.prepared.ids);
    return made;
  }

  [[nodiscard]] std::string answerOf(const Case&, std::string_view generated) const override {
    return std::string(generated);
  }
  [[nodiscard]] std::map<std::string, double> scores(const Case& wanted, std::string_view answer) const override {
    return scoresOf(questionOf(wanted).key, answer);
  }
  [[nodiscard]] std::string mainScore(const Case& wanted) const override {
    return std::string(questionOf(wanted).key.metric->name);
  }

 private:
  [[nodiscard]] bool isGrouped() const { return !m_file.contexts.front().set.empty(); }
  [[nodiscard]] const QuestionContext& contextOf(const Case& wanted) const {
    const std::uint64_t at = wanted.facets.whole("context");
    if (at >= m_file.contexts.size()) fail("case {}: {} has no such context", wanted.id, m_file.name);
    return m_file.contexts[at];
  }
  [[nodiscard]] const AskedQuestion& questionOf(const Case& wanted) const {
    const QuestionContext& context = contextOf(wanted);
    const std::uint64_t number = wanted.facets.whole("number");
    if (number >= context.questions.size()) fail("case {}: {} has no such question", wanted.id, m_file.name);
    return context.questions[number];
  }

  [[nodiscard]] std::uint64_t limitFor(const AskedQuestion& asked) const {
    if (m_options.most_tokens > 0) return m_options.most_tokens;
    return m_positions > 2ULL * asked.new_tokens ? m_positions - asked.new_tokens : m_positions / 2;
  }

  // All questions of a context share its cut, so that they share its tokens.
  [[nodiscard]] std::string cutContext(const QuestionContext& context) const {
    std::uint64_t room = m_positions, longest = 0;
    for (const AskedQuestion& asked : context.questions) {
      room = std::min(room, limitFor(asked));
      longest = std::max<std::uint64_t>(longest,
                                        m_tokenizer.encode(m_head + m_between + asked.text + m_tail, true).ids.size());
    }
    if (longest + 2 > room) fail("{}: a question of {} tokens leaves no room for its context", m_file.name, longest);
    return cutInTheMiddle(context.text, room - longest, {m_tokenizer});
  }

  // What the questions of a context have in common.
  struct Shared {
    std::uint64_t context = 0;
    std::string text;        // the context, cut
    std::size_t tokens = 0;  // the first ids of every prompt; 0 where there is one question
  };

  // Prompts come context by context: each is worked out once.
  [[nodiscard]] Shared sharedAt(const Case& wanted) const {
    const QuestionContext& context = contextOf(wanted);
    const std::uint64_t at = wanted.facets.whole("context");
    const std::scoped_lock lock(m_mutex);
    if (m_shared.context != at || m_shared.text.empty()) {
      m_shared = {.context = at, .text = cutContext(context)};
      m_shared.tokens = commonTokens(context, m_shared.text);
    }
    return m_shared;
  }

  [[nodiscard]] text::PreparedPrompt encoded(const std::string& cut_context, const AskedQuestion& asked) const {
    std::string text = m_head + cut_context + m_between;
    const std::size_t begin = text.size(), end = begin + asked.text.size();
    text += asked.text + m_tail;
    text::PreparedPrompt prompt = encodedPrompt(std::move(text), m_options.adds_special, m_tokenizer);
    addSpan(prompt, "question", begin, end);
    return prompt;
  }

  [[nodiscard]] std::size_t commonTokens(const QuestionContext& context, const std::string& cut_context) const {
    if (context.questions.size() == 1) return 0;
    const std::vector<TokenId> first = encoded(cut_context, context.questions.front()).ids;
    std::size_t common = first.size() - 1;
    for (const AskedQuestion& other : std::span(context.questions).subspan(1)) {
      const std::vector<TokenId> ids = encoded(cut_context, other).ids;
      const auto parted = std::ranges::mismatch(first, ids).in1 - first.begin();
      common = std::min({common, static_cast<std::size_t>(parted), ids.size() - 1});
    }
    return common;
  }

  QuestionOptions m_options;
  QuestionFile m_file;
  const text::Tokenizer& m_tokenizer;
  std::uint64_t m_positions;
  std::string m_head, m_between, m_tail;
  mutable std::mutex m_mutex;
  mutable Shared m_shared;  // of the last prompt's context
};

}  // namespace

TaskRequest questionsRequest(const QuestionOptions& options, const std::filesystem::path& file) {
  QuestionOptions chosen = options;
  if (chosen.prompt_template.empty()) chosen.prompt_template = kDefaultTemplate;
  checkTemplate(chosen.prompt_template);
  (void)metrics::findMetric(chosen.metric);
  return {.name = kQuestionsTask, .values = questionsJson(chosen), .sources = {{kDataSource, {file}}}};
}

std::unique_ptr<Task> openQuestionsTask(const TaskRequest& request, const TaskModel& model, Progress& progress) {
  QuestionOptions options = readOptions(request.values, request.where);
  checkTemplate(options.prompt_template);
  const auto data = request.sources.find(kDataSource);
  if (data == request.sources.end() || data->second.empty()) failUsage("no file of questions");
  if (options.most_tokens > model.positions && !model.stretches)
    progress.warn(fmt::format("prompts may have {} tokens; {} supports {} positions", options.most_tokens, model.name,
                              model.positions));
  QuestionFile file = readQuestions(data->second.front(), {options.metric, options.new_tokens, options.rows});
  return std::make_unique<QuestionsTask>(std::move(options), std::move(file), model);
}

}  // namespace kvatlas::evaluation
