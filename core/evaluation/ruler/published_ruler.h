// RULER's rows from published files: FOLDER/<length>/<task>.jsonl or FOLDER/<length>/<task>/validation.jsonl.
#pragma once

#include <filesystem>
#include <utility>

#include "core/evaluation/row_file.h"
#include "core/evaluation/ruler/ruler_task_base.h"

namespace kvatlas::evaluation {

class PublishedRuler final : public RulerTaskBase {
 public:
  // Error names a missing file, or file, line and field.
  PublishedRuler(RulerOptions options, const TaskModel& model, const std::filesystem::path& folder);

  [[nodiscard]] std::uint64_t tokensOf(const results::Case& wanted) const override;
  void check(const results::Case& wanted) const override;
  [[nodiscard]] EvaluationPrompt prompt(const results::Case& wanted) const override;

 protected:
  [[nodiscard]] nlohmann::json cases() const override;
  [[nodiscard]] std::vector<std::string> answersFor(const results::Case& wanted) const override;

 private:
  [[nodiscard]] const Row& rowOf(const results::Case& wanted) const;

  bool m_cleans_up;
  std::map<std::pair<std::string, std::uint64_t>, std::vector<Row>> m_rows;  // by task and length
};

}  // namespace kvatlas::evaluation
