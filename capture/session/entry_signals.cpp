#include "capture/session/entry_signals.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_vector_norm.h>

#include <algorithm>

#include "capture/session/layer_signals.h"

namespace kvatlas::capture {
namespace {

// The rows of a list but the question's.
void copyOthers(std::span<const float> rows, std::size_t question, std::size_t question_size, float* to) {
  to = std::copy_n(rows.begin(), question, to);
  std::copy(rows.begin() + static_cast<std::ptrdiff_t>(question + question_size), rows.end(), to);
}

at::Tensor signalOf(Signal signal, const LayerAttention& entries, const ModelConfig& config,
                    const policy::SignalParameters& parameters) {
  if (signal == Signal::KeyNorm) return at::linalg_vector_norm(entries.key, 2, at::IntArrayRef{-1});
  if (signal == Signal::ValueNorm) return at::linalg_vector_norm(entries.value, 2, at::IntArrayRef{-1});
  return layerSignal(signal, entries, config, parameters);
}

}  // namespace

cache::EntrySignals entrySignals(const ModelConfig& config, BranchStore& store, std::size_t branch,
                                 const cache::HeldTokens& held, const policy::SignalParameters& parameters) {
  return [&, branch](SignalSet wanted, LayerIndex layer, std::uint32_t first, std::uint32_t lists) {
    const std::uint32_t rows = held.list(layer, first).size();
    const auto d = static_cast<std::int64_t>(config.head_dim), count = std::int64_t{rows} - held.questionTokens();
    LayerAttention entries{.layer = layer,
                           .query = {},
                           .key = at::empty({lists, count, d}, at::kFloat),
                           .value = at::empty({lists, count, d}, at::kFloat)};
    for (std::uint32_t i = 0; i < lists; ++i)
      store.edit(branch, layer, first + i, {0, rows}, [&](const policy::ListEntries& list) {
        const std::size_t question = std::size_t{held.questionRow(layer, first + i)} * config.head_dim,
                          size = std::size_t{held.questionTokens()} * config.head_dim;
        copyOthers(list.key, question, size, entries.key.mutable_data_ptr<float>() + i * count * d);
        copyOthers(list.value, question, size, entries.value.mutable_data_ptr<float>() + i * count * d);
      });
    SignalValues values;
    for (const Signal signal : wanted.members()) {
      const at::Tensor of = signalOf(signal, entries, config, parameters).contiguous();
      values[signal].assign(of.const_data_ptr<float>(), of.const_data_ptr<float>() + of.numel());
    }
    return values;
  };
}

}  // namespace kvatlas::capture
