// Settings and scores that generated and published RULER rows share.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/evaluation/answer_key.h"
#include "core/evaluation/ruler/ruler_settings.h"
#include "core/evaluation/task.h"

namespace kvatlas::evaluation {

class RulerTaskBase : public Task {
 public:
  RulerTaskBase(RulerOptions options, const TaskModel& model);

  [[nodiscard]] nlohmann::json settings() const override;
  [[nodiscard]] std::string answerOf(const results::Case& wanted, std::string_view generated) const override;
  [[nodiscard]] std::map<std::string, double> scores(const results::Case& wanted,
                                                     std::string_view answer) const override;
  [[nodiscard]] std::string mainScore(const results::Case& wanted) const override;

 protected:
  struct SourceIdentity {
    std::string name, sha256;
  };

  [[nodiscard]] virtual nlohmann::json cases() const = 0;
  [[nodiscard]] virtual std::vector<std::string> answersFor(const results::Case& wanted) const = 0;

  [[nodiscard]] std::uint32_t newTokens(const results::Case& wanted) const;
  [[nodiscard]] EvaluationPrompt promptOf(const results::Case& wanted, text::PreparedPrompt prepared,
                                          std::string question, std::vector<std::string> answers) const;

  RulerOptions m_options;
  const text::Tokenizer& m_tokenizer;
  std::uint64_t m_positions;
  std::map<std::string, SourceIdentity> m_sources;
};

}  // namespace kvatlas::evaluation
