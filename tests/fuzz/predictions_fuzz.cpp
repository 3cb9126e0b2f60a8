// Lines of predictions, as `kvatlas evaluate score` reads them: with the dataset and metric they name, and with every
// metric there is.
#include "core/base/json_field.h"
#include "core/metrics/metrics.h"
#include "core/metrics/predictions.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace kvatlas;

void scoreByAll(const metrics::ScoredLine& line) {
  const std::string prediction = line.row.at("pred").get<std::string>();
  const auto answers = line.row.value("answers", nlohmann::json::array());
  std::vector<std::string> texts;
  for (const auto& answer : answers)
    if (answer.is_string()) texts.push_back(answer.get<std::string>());
  for (const metrics::Metric& metric : metrics::metrics())
    fuzz::onlyErrors([&] {
      const double score = metric.score(prediction, {texts, texts});
      if (!(score >= 0 && score <= 1)) __builtin_trap();
    });
}

}  // namespace

KVATLAS_FUZZ_TARGET {
  const auto path = fuzz::put("qasper.jsonl", fuzz::textOf(data, size));
  fuzz::onlyErrors([&] { static_cast<void>(metrics::scorePredictions(path, scoreByAll)); });
  return 0;
}
