#include "core/evaluation/answer_key.h"

#include "core/metrics/words.h"

namespace kvatlas::evaluation {

std::map<std::string, double> scoresOf(const AnswerKey& key, std::string_view answer) {
  const std::string_view counted = key.first_line ? metrics::firstLine(answer) : answer;
  const metrics::Reference reference{key.answers, key.classes};
  std::map<std::string, double> scores{{std::string(key.metric->name), key.metric->score(counted, reference)}};
  if (constexpr const char* kOther = "code_sim_levenshtein"; key.metric->name == "code_sim")
    scores[kOther] = metrics::findMetric(kOther).score(counted, reference);
  return scores;
}

void describeKey(const AnswerKey& key, EvaluationPrompt& prompt) {
  prompt.expected = key.answers.front();
  prompt.also_right.assign(key.answers.begin() + 1, key.answers.end());
}

}  // namespace kvatlas::evaluation
