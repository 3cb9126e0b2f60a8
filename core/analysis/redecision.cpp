#include "core/analysis/redecision.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/base/error.h"
#include "core/policy/signal_parameters.h"

namespace kvatlas::analysis {
namespace {

bool readsWindow(SignalSet set) {
  return std::ranges::any_of(set.members(), [](Signal one) { return infoOf(one).needsWindow(); });
}

std::vector<float> recordedSignal(const trace::Reader& reader, LayerIndex layer, Signal signal) {
  std::optional<std::vector<float>> values = reader.signal(layer, signal);
  if (!values) fail("layer {}: the signal '{}' was not recorded", layer.value, nameOf(signal));
  return std::move(*values);
}

// The last `window` recorded rows of every head: [query_heads, window, N].
std::vector<float> lastWindowRows(const trace::Reader& reader, LayerIndex layer, std::uint32_t window) {
  const std::size_t tokens = reader.tokens(), recorded = reader.header().attention.window;
  if (window > recorded) fail("needs the last {} queries, {} are recorded", window, recorded);
  std::vector<float> all = recordedSignal(reader, layer, Signal::WindowRows);
  if (window == recorded) return all;
  std::vector<float> last;
  for (std::size_t head = 0; head * recorded * tokens < all.size(); ++head) {
    const auto end = all.begin() + static_cast<std::ptrdiff_t>((head + 1) * recorded * tokens);
    last.insert(last.end(), end - static_cast<std::ptrdiff_t>(window * tokens), end);
  }
  return last;
}

std::vector<float> columnSums(const std::vector<float>& rows, std::uint32_t window, std::size_t tokens) {
  std::vector<float> sums;
  for (std::size_t head = 0; head * window * tokens < rows.size(); ++head) {
    for (std::size_t token = 0; token < tokens; ++token) {
      double sum = 0;
      for (std::size_t row = 0; row < window; ++row)
        sum += static_cast<double>(rows[(head * window + row) * tokens + token]);
      sums.push_back(static_cast<float>(sum));
    }
  }
  return sums;
}

}  // namespace

bool Redecision::readsScores() const {
  return !policy::keepsEverything(setting) &&
         (score != nullptr || method->score != nullptr || method->facts != nullptr);
}

namespace {

// Signals that a capture measures only for a method that asks, with that method's parameters.
std::string notMeasured(const Redecision& wanted, const trace::AttentionPlan& plan) {
  const std::string_view title = wanted.method->title;
  for (const Signal signal : onDemandOf(wanted.needs()).members())
    if (!plan.measured.contains(signal))
      return fmt::format("{} needs the signal '{}', which is recorded by a capture with --method {}.", title,
                         nameOf(signal), wanted.method->name);
  const policy::SignalParameters recorded = policy::parseSignalParameters(plan.signal_parameters);
  for (const auto& [name, value] : policy::signalParameters(*wanted.method, wanted.setting)) {
    const auto found = recorded.find(name);
    if (found != recorded.end() && found->second == value) continue;
    const std::string parameter = name.substr(name.find('.') + 1);
    return fmt::format("{} with {}={}: the signal '{}' is recorded for {}={}.", title, parameter, value,
                       name.substr(0, name.find('.')), parameter, found == recorded.end() ? "?" : found->second);
  }
  return {};
}

}  // namespace

std::string obstacleTo(const Redecision& wanted, const trace::AttentionPlan& plan, const std::vector<bool>& recorded) {
  const SignalSet needs = wanted.needs();
  const std::string_view title = wanted.method->title;
  if (wanted.method->reads_pages)
    return fmt::format("{} evicts nothing: what each query reads is chosen while decoding.", title);
  if (needs.empty() || policy::keepsEverything(wanted.setting)) return {};
  const auto layers = static_cast<std::size_t>(std::count(recorded.begin(), recorded.end(), true));
  if (layers < recorded.size())
    return fmt::format("{} needs the signal {} of all {} layers; {} of them are recorded.", title, quoted(needs),
                       recorded.size(), layers);
  if (std::string text = notMeasured(wanted, plan); !text.empty()) return text;
  if (!readsWindow(needs)) return {};
  if (plan.window == 0)
    return fmt::format("{} needs the signal {}, which was not recorded (window 0).", title, quoted(needs));
  if (wanted.setting.window > plan.window)
    return fmt::format("{} with a window of {} needs the attention of the last {} queries; {} are recorded.", title,
                       wanted.setting.window, wanted.setting.window, plan.window);
  return {};
}

std::string scoreKey(const Redecision& wanted) {
  const policy::Method& method = *wanted.method;
  // Methods with the same score share its ranks, unless they also need the scores themselves.
  std::string key = wanted.score                ? "expression " + wanted.score->name
                    : method.score_name.empty() ? "method " + std::string(method.name)
                                                : "score " + std::string(method.score_name);
  key += fmt::format("|{}|{}|{}", quoted(wanted.needs()), static_cast<int>(wanted.setting.granularity),
                     wanted.setting.window);
  if (method.allocate_reads_scores || !method.selects_by_rank) key += fmt::format("|{}", method.name);
  // Candidates are all but the recent tokens.
  key += fmt::format("|{}|{}|{}", wanted.setting.recent, method.parts.values, method.parts.select);
  for (const policy::ParameterSpec& spec : method.parameters)
    if (spec.changes_score) key += fmt::format("|{}={}", spec.name, wanted.setting.parameters.find(spec.name)->second);
  if (method.score_reads_budget) key += fmt::format("|{}", wanted.setting.budget);
  return key + fmt::format("|{}", static_cast<int>(wanted.setting.preset));
}

SignalValues readSignals(const trace::Reader& reader, LayerIndex layer, SignalSet wanted, std::uint32_t window) {
  SignalValues values;
  for (const Signal signal : wanted.members()) {
    if (signal == Signal::WindowRows)
      values[signal] = lastWindowRows(reader, layer, window);
    else if (signal == Signal::WindowSum && window < reader.header().attention.window)
      values[signal] = columnSums(lastWindowRows(reader, layer, window), window, reader.tokens());
    else
      values[signal] = recordedSignal(reader, layer, signal);
  }
  return values;
}

policy::RankedLayer rankSignals(const Redecision& wanted, LayerIndex layer, const SignalValues& values,
                                std::uint32_t depth) {
  const LayerSignals view = viewOf(values);
  policy::LayerScores scores = wanted.score ? wanted.score->score(wanted.setting, layer, view)
                                            : policy::scoreLayer(*wanted.method, wanted.setting, layer, view);
  return policy::rankLayer(*wanted.method, std::move(scores), depth);
}

}  // namespace kvatlas::analysis
