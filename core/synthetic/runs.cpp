#include "core/synthetic/runs.h"

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

policy::LayerSignals signalsOf(const SyntheticLayer& layer) {
  const trace::LayerRecord& record = layer.record;
  return {.received = record.received,
          .window_sum = record.window_sum,
          .entropy = record.entropy,
          .key_norm = record.key_norm,
          .value_norm = record.value_norm,
          .window_rows = layer.window_rows};
}

}  // namespace

RunRecorder::RunRecorder(const RunRequest& request, const trace::ModelInfo& model, std::uint32_t tokens)
    : m_request(request), m_model(model), m_tokens(tokens) {
  const policy::Shape shape{
      .layers = model.layers, .query_heads = model.query_heads, .kv_heads = model.kv_heads, .tokens = tokens};
  const auto add = [&](const std::string& text, const policy::Budget& budget) {
    const policy::MethodRequest method = policy::parseMethod(text);
    if (method.method->allocate_reads_scores)
      failUsage("--method {}: it shares tokens out by the scores of all layers, which are made one after another here",
                text);
    Run run{
        .method = method.method,
        .asked = runs::makeRunSetting(method, budget, shape, {.window = request.window, .follow = runs::Follow::Full})};
    run.setting = run.asked.setting;
    run.record.everything = run.setting.budget >= tokens;
    if (run.record.everything) {
      policy::Decision all = policy::keepEverything(run.setting);
      run.capacity = std::move(all.capacity);
      run.record.kept_offsets = std::move(all.offsets);
      run.record.kept_positions = std::move(all.positions);
    } else {
      run.capacity = run.method->allocate(run.setting, {});
      run.record.kept_offsets = {0};
    }
    run.record.capacity = run.capacity;
    m_runs.push_back(std::move(run));
  };
  add("full", policy::parseBudget("full"));
  for (const std::string& method : request.methods) {
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
    headers.push_back(std::move(header));
  }
  return headers;
}

void RunRecorder::addLayer(const SyntheticLayer& layer) {
  kernels::parallelFor(m_runs.size(), m_request.threads,
                       [&](std::size_t run, unsigned) { decide(m_runs[run], layer); });
  measure(layer);
}

void RunRecorder::decide(Run& run, const SyntheticLayer& layer) const {
  if (run.record.everything) return;
  const LayerIndex index = layer.record.layer;
  const std::uint32_t heads = run.setting.heads();
  const policy::LayerScores scores =
      run.method->score(run.setting, index, run.method->needs.empty() ? policy::LayerSignals{} : signalsOf(layer));
  for (std::uint32_t head = 0; head < heads; ++head) {
    const std::uint32_t capacity = run.capacity[std::size_t{index.value} * heads + head];
    const auto kept = run.method->select(
        run.setting, index, scores.values.empty() ? std::span<const float>() : scores.head(head), capacity);
    run.record.kept_positions.insert(run.record.kept_positions.end(), kept.begin(), kept.end());
    run.record.kept_offsets.push_back(run.record.kept_positions.size());
  }
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
    for (const Run& run : std::span(m_runs).subspan(1)) sizes.push_back(run.capacity[stored]);
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
  record.budget_realised = double(record.keptTokens()) / double(record.capacity.size());
  record.cache_bytes =
      runs::cacheBytes(record.keptTokens(), m_model.head_dim, runs::elementBytes(m_model.compute_dtype));
  speak(run, index == 0);
  return std::move(record);
}

}  // namespace kvatlas::synthetic
