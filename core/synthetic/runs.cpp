#include "core/synthetic/runs.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <nlohmann/json.hpp>
#include "core/analysis/mass.h"
#include "core/base/error.h"
#include "core/synthetic/document.h"
#include "core/trace/schema.h"
#include "kernels/parallel.h"

namespace kvatlas::synthetic {
namespace {

// Whether the allocator has to see the scores of all layers first.
bool waitsForScores(const policy::Method& method, const policy::Setting& setting) {
  return method.allocate_reads_scores && !policy::keepsEverything(setting);
}

}  // namespace

RunRecorder::RunRecorder(const RunRequest& request, const trace::ModelInfo& model, std::uint32_t tokens)
    : m_request(request), m_model(model), m_tokens(tokens) {
  const policy::Shape shape{
      .layers = model.layers, .query_heads = model.query_heads, .kv_heads = model.kv_heads, .tokens = tokens};
  const auto add = [&](const policy::MethodRequest& method, const policy::Budget& budget) {
    Run run{.method = method.method,
            .setting = policy::makeSetting(method, shape, budget, policy::Granularity::KvHead, policy::Preset::Exact,
                                           request.window),
            .budget = budget,
            .label = budget.full ? std::string(method.method->title)
                                 : std::string(method.method->title) + " " + budget.text};
    run.record.kept_offsets = {0};
    if (!waitsForScores(*run.method, run.setting)) allocate(run);
    m_runs.push_back(std::move(run));
  };
  add(policy::parseMethod("full"), policy::parseBudget("full"));
  for (const policy::MethodRequest& method : request.methods) {
    for (const std::string& budget : request.budgets) add(method, policy::parseBudget(budget));
  }
  const std::size_t cells = std::size_t{request.new_tokens} * model.layers * model.query_heads;
  for (std::size_t i = 1; i < m_runs.size(); ++i) {
    m_runs[i].record.retained.resize(cells);
    m_runs[i].record.oracle.resize(cells);
  }
}

std::vector<trace::RunHeader> RunRecorder::headers() const {
  std::vector<trace::RunHeader> headers;
  for (const Run& run : m_runs) {
    nlohmann::json parameters = nlohmann::json::object();
    for (const auto& [name, value] : run.setting.parameters) parameters[name] = value;
    parameters["window"] = run.setting.window;
    parameters["preset"] = "exact";
    parameters["follow"] = "full";
    headers.push_back({.method = std::string(run.method->name),
                       .label = run.label,
                       .parameters = parameters.dump(),
                       .budget = run.budget.text,
                       .granularity = trace::schema::kKvHeadGranularity,
                       .budget_nominal = static_cast<double>(run.setting.budget),
                       .heads = run.setting.heads(),
                       .is_full = headers.empty()});
  }
  return headers;
}

void RunRecorder::allocate(Run& run) {
  run.record.capacity = policy::allocateLayers(*run.method, run.setting, run.scores);
}

bool RunRecorder::readsAllScores() const {
  return std::ranges::any_of(m_runs, [](const Run& run) { return waitsForScores(*run.method, run.setting); });
}

void RunRecorder::scoreLayer(const SyntheticLayer& layer) {
  for (Run& run : m_runs) {
    if (!waitsForScores(*run.method, run.setting)) continue;
    run.scores.push_back(policy::scoreLayer(*run.method, run.setting, layer.record.layer, viewOf(layer.values)));
    if (run.scores.size() == m_model.layers) allocate(run);
  }
}

void RunRecorder::addLayer(const SyntheticLayer& layer) {
  kernels::parallelFor(m_runs.size(), m_request.threads,
                       [&](std::size_t run, unsigned) { decide(m_runs[run], layer); });
  measure(layer);
}

void RunRecorder::decide(Run& run, const SyntheticLayer& layer) {
  const LayerIndex index = layer.record.layer;
  const std::size_t heads = run.setting.heads();
  const auto capacity = std::span(run.record.capacity).subspan(index.value * heads, heads);
  std::vector<TokenIndex>& positions = run.record.kept_positions;
  for (const std::uint32_t each : capacity) run.record.kept_offsets.push_back(run.record.kept_offsets.back() + each);
  const std::size_t first = positions.size();
  positions.resize(run.record.kept_offsets.back());
  const std::span out = std::span(positions).subspan(first);
  if (policy::keepsEverything(run.setting)) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<TokenIndex>(i % run.setting.shape.tokens);
    return;
  }
  const policy::RankedLayer scored{
      .scores = run.scores.empty() ? policy::scoreLayer(*run.method, run.setting, index, viewOf(layer.values))
                                   : std::move(run.scores[index.value])};
  policy::selectLayer(*run.method, run.setting, index, scored, capacity, out);
}

// Mass on what each run keeps and on the best set as large, for the query of every generated token.
void RunRecorder::measure(const SyntheticLayer& layer) {
  const std::size_t steps = m_request.new_tokens, heads = m_model.query_heads, length = m_tokens + steps;
  const std::size_t group = heads / m_model.kv_heads, index = layer.record.layer.value;
  if (m_runs.size() < 2) return;
  kernels::parallelFor(heads * steps, m_request.threads, [&](std::size_t task, unsigned) {
    const std::size_t head = task / steps, step = task % steps;
    const std::span<const float> row(layer.decode_rows.data() + task * length, m_tokens + step);
    const std::size_t stored = index * m_model.kv_heads + head / group;
    std::vector<std::uint32_t> sizes;
    for (const Run& run : std::span(m_runs).subspan(1)) sizes.push_back(run.record.capacity[stored]);
    const std::vector<double> best = analysis::oracleMass(row, m_tokens, sizes);
    for (std::size_t i = 1; i < m_runs.size(); ++i) {
      trace::RunRecord& record = m_runs[i].record;
      const std::span<const TokenIndex> kept =
          std::span(record.kept_positions)
              .subspan(record.kept_offsets[stored], record.kept_offsets[stored + 1] - record.kept_offsets[stored]);
      const std::size_t at = (step * m_model.layers + index) * heads + head;
      record.oracle[at] = static_cast<float>(best[i - 1]);
      record.retained[at] = static_cast<float>(std::min(analysis::retainedMass(row, m_tokens, kept), best[i - 1]));
    }
  });
}

// Tokens and divergence: what a run says follows from the mass it kept, since there is no model to ask.
void RunRecorder::speak(Run& run, bool full) const {
  trace::RunRecord& record = run.record;
  const std::size_t cells = std::size_t{m_model.layers} * m_model.query_heads;
  for (std::size_t step = 0; step < m_request.new_tokens; ++step) {
    double kept = 1;
    if (!full) {
      const auto first = record.retained.begin() + static_cast<std::ptrdiff_t>(step * cells);
      kept = std::accumulate(first, first + static_cast<std::ptrdiff_t>(cells), 0.0) / double(cells);
      record.kl.push_back(step == 0 ? 0.0F : static_cast<float>(-std::log(std::clamp(kept, 1e-6, 1.0))));
    }
    const AnswerWord word =
        step > 0 && kept < 0.7 ? wrongWord(step, m_model.vocab_size) : answerWord(step, m_model.vocab_size);
    record.decode_ids.push_back(word.id);
    record.decode_text += word.text;
  }
}

trace::RunRecord RunRecorder::take(std::size_t index) {
  Run& run = m_runs.at(index);
  trace::RunRecord& record = run.record;
  record.budget_realised = double(record.kept_positions.size()) / double(record.capacity.size());
  record.cache_bytes = record.kept_positions.size() * m_model.head_dim * 2 * sizeof(float);
  speak(run, index == 0);
  return std::move(record);
}

}  // namespace kvatlas::synthetic
