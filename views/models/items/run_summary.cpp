#include "views/models/items/run_summary.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/base/mean.h"

namespace kvatlas::views {

std::size_t klSteps(const RunView& run) {
  return static_cast<std::size_t>(
      std::ranges::count_if(run.run.record.kl, [](float value) { return !std::isnan(value); }));
}

std::size_t sharedKlSteps(Document& document) {
  std::size_t shared = SIZE_MAX;
  for (const RunId id : document.runIds())
    if (const RunPointer run = document.run(id); run && !run->run.record.kl.empty())
      shared = std::min(shared, klSteps(*run));
  return shared;
}

double meanKl(const RunView& run, std::size_t steps) {
  MeanOfMeasured mean;
  for (const float value : run.run.record.kl) {
    if (mean.count() == steps) break;
    mean.add(static_cast<double>(value));
  }
  return mean.value();
}

double retainedMass(const RunView& run) {
  return meanOfMeasured(run.run.record.retained);
}

double retainedMass(const RunView& run, LayerIndex layer, const HeadChoice& head) {
  const trace::ModelInfo& model = run.model;
  if (layer.value >= model.layers || clamped(head, model) != head) return std::numeric_limits<double>::quiet_NaN();
  MeanOfMeasured mean;
  const std::size_t row = std::size_t{model.layers} * model.query_heads;
  for (std::size_t step = 0; (step + 1) * row <= run.run.record.retained.size(); ++step)
    for (const HeadIndex each : headsOf(head, model))
      mean.add(static_cast<double>(
          run.run.record.retained[step * row + std::size_t{layer.value} * model.query_heads + each.value]));
  return mean.value();
}

std::optional<bool> answersRight(const RunView& run, const QString& answer) {
  const std::string& text = run.run.record.decode_text;
  if (answer.isEmpty() || text.empty()) return std::nullopt;
  return QString::fromStdString(text).contains(answer, Qt::CaseInsensitive);
}

}  // namespace kvatlas::views
