#include "core/synthetic/runs.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/analysis/mass.h"
#include "core/base/error.h"
#include "core/runs/run_header.h"
#include "core/runs/titles.h"
#include "core/synthetic/document.h"
#include "kernels/parallel.h"

namespace kvatlas::synthetic {
namespace {

// Whether the allocator needs the scores of all layers first.
bool waitsForScores(const policy::Method& method, const policy::Setting& setting) {
  return method.allocate_reads_scores && !method.reads_pages && !policy::keepsEverything(setting);
}

}  // namespace

RunRecorder::RunRecorder(const RunRequest& request, const trace::ModelInfo& model, std::uint32_t tokens)
    : m_request(request), m_model(model), m_tokens(tokens) {
  const policy::Shape shape{
      .layers = model.layers, .query_heads = model.query_heads, .kv_heads = model.kv_heads, .tokens = tokens};
  const auto add = [&](const policy::MethodRequest& method, const policy::Budget& budget) {
    Run run{
        .method = method.method,
        .asked = runs::makeRunSetting(method, budget, shape, {.window = request.window, .follow = runs::Follow::Full})};
    run.setting = run.asked.setting;
    run.record.everything = run.method->reads_pages || policy::keepsEverything(run.setting);
    if (run.record.everything) {
      policy::Decision all = policy::keepEverything(run.setting);
      run.record.capacity = std::move(all.capacity);
      run.record.kept_offsets = std::move(all.offsets);
      run.record.kept_positions = std::move(all.positions);
    } else {
      run.record.kept_offsets = {0};
      if (!waitsForScores(*run.method, run.setting)) allocate(run);
    }
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
    trace::RunHeader header = runs::headerOf(run.asked, runs::titleOf(run.asked));
    header.is_full = headers.empty();
    header.every = 0;  // nothing is evicted while the made-up answer is written
    headers.push_back(std::move(header));
  }
  return headers;
}

SignalSet RunRecorder::measured() const {
  SignalSet needs;
  for (const Run& run : m_runs) needs |= run.method->needs;
  return onDemandOf(needs);
}

policy::SignalParameters RunRecorder::signalParameters() const {
  policy::SignalParameters all;
  for (const Run& run : m_runs) policy::joinSignalParameters(all, *run.method, run.setting);
  return all;
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
  if (run.record.everything) return;
  const LayerIndex index = layer.record.layer;
  const std::size_t heads = run.setting.heads();
  const auto capacity = std::span(run.record.capacity).subspan(index.value * heads, heads);
  std::vector<TokenIndex>& positions = run.record.kept_positions;
  for (const std::uint32_t each : capacity) run.record.kept_offsets.push_back(run.record.kept_offsets.back() + each);
  const std::size_t first = positions.size();
  positions.resize(run.record.kept_offsets.back());
  const policy::RankedLayer scored{
      .scores = run.scores.empty() ? policy::scoreLayer(*run.method, run.setting, index, viewOf(layer.values))
                                   : std::move(run.scores[index.value])};
  policy::selectLayer(*run.method, run.setting, index, scored, capacity, std::span(positions).subspan(first));
}

// Mass of each run's kept set and of the best set of equal size, for the query of every generated token.
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
      const std::span<const TokenIndex> kept = record.kept(stored);
      const std::size_t at = (step * m_model.layers + index) * heads + head;
      record.oracle[at] = static_cast<float>(best[i - 1]);
      record.retained[at] = static_cast<float>(std::min(analysis::retainedMass(row, m_tokens, kept), best[i - 1]));
    }
  });
}

// Tokens and divergence: without a model, a run's output follows from the mass it kept.
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
  record.budget_realised = double(record.keptTokens()) / double(record.capacity.size());
  record.cache_bytes =
      runs::cacheBytes(record.keptTokens(), m_model.head_dim, runs::elementBytes(m_model.compute_dtype));
  speak(run, index == 0);
  return std::move(record);
}

}  // namespace kvatlas::synthetic
