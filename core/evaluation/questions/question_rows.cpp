#include "core/evaluation/questions/question_rows.h"

#include "core/base/error.h"
#include "core/evaluation/row_file.h"

namespace kvatlas::evaluation {
namespace {

constexpr std::uint32_t kMostNewTokens = 1U << 20;

// `row` is the object that asks: the row itself, or one of its `questions`. `whole` has what is common to all.
AskedQuestion questionOf(const Row& row, const Row& whole, const QuestionDefaults& defaults) {
  const JsonField fields = row.fields(), common = whole.fields();
  const std::string metric = fields.text("metric", common.text("metric", defaults.metric));
  AskedQuestion asked{.text = fields.text("question")};
  try {
    asked.key.metric = &metrics::findMetric(metric);
  } catch (const Error& error) {
    fail("{}: field 'metric': {}", row.where, error.what());
  }
  asked.key.answers = textsIn(row, fields.has("answers") ? "answers" : "answer");
  if (asked.key.answers.empty()) fields.refuse("answers", "at least one answer");
  if (asked.key.metric->name == "classification")
    asked.key.classes = textsIn(fields.has("classes") ? row : whole, "classes");
  const std::uint64_t usual = common.integer("new_tokens", 1, kMostNewTokens, defaults.new_tokens);
  asked.new_tokens = static_cast<std::uint32_t>(fields.integer("new_tokens", 1, kMostNewTokens, usual));
  try {
    (void)asked.key.metric->score("", {asked.key.answers, asked.key.classes});
  } catch (const Error& error) {
    fail("{}: {}", row.where, error.what());
  }
  return asked;
}

void addRow(const Row& row, const QuestionDefaults& defaults, std::vector<QuestionContext>& contexts) {
  const JsonField fields = row.fields();
  QuestionContext read{.set = fields.text("set", ""), .text = fields.text("context")};
  if (!fields.has("questions")) {
    read.questions.push_back(questionOf(row, row, defaults));
  } else {
    for (const nlohmann::json& one : fields.array("questions"))
      read.questions.push_back(
          questionOf({one, fmt::format("{}: questions[{}]", row.where, read.questions.size())}, row, defaults));
    if (read.questions.empty()) fields.refuse("questions", "at least one question");
  }
  if (contexts.empty() || contexts.back().text != read.text || contexts.back().set != read.set)
    return contexts.push_back(std::move(read));
  for (AskedQuestion& asked : read.questions) contexts.back().questions.push_back(std::move(asked));
}

}  // namespace

QuestionFile readQuestions(const std::filesystem::path& file, const QuestionDefaults& defaults) {
  Sha256 sha;
  QuestionFile read{.name = file.filename().string()};
  for (const Row& row : readRows(file, defaults.rows, sha)) addRow(row, defaults, read.contexts);
  read.sha256 = sha.hex();
  const bool grouped = !read.contexts.front().set.empty();
  for (const QuestionContext& context : read.contexts)
    if (context.set.empty() == grouped) fail("{}: 'set' must be in every row or in none", file.string());
  return read;
}

}  // namespace kvatlas::evaluation
