#include "capture/session/signals/entry_signals.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_vector_norm.h>

#include <algorithm>

#include "capture/session/signals/layer_signals.h"

namespace kvatlas::capture {
namespace {

// The rows of a list but the question's.
void copyOthers(std::span<const float> rows, std::size_t question, std::size_t question_size, float* to) {
  to = std::copy_n(rows.begin(), question, to);
  std::copy(rows.begin() + static_cast<std::ptrdiff_t>(question + question_size), rows.end(), to);
}

// The positions of the rows that copyOthers() copies.
void addPositions(const cache::HeldList& list, std::uint32_t question, std::uint32_t question_size,
                  std::vector<std::uint64_t>& to) {
  for (std::uint32_t row = 0; row < list.size(); ++row)
    if (row < question || row >= question + question_size) to.push_back(list[row]);
}

at::Tensor signalOf(Signal signal, const LayerAttention& entries, const ModelConfig& config,
                    const policy::SignalParameters& parameters, const HeldRows& held) {
  if (signal == Signal::KeyNorm) return at::linalg_vector_norm(entries.key, 2, at::IntArrayRef{-1});
  if (signal == Signal::ValueNorm) return at::linalg_vector_norm(entries.value, 2, at::IntArrayRef{-1});
  return layerSignal(signal, entries, config, parameters, &held);
}

}  // namespace

cache::EntrySignals entrySignals(const Decoder& decoder, BranchStore& store, std::size_t branch,
                                 const cache::HeldTokens& held, const policy::SignalParameters& parameters,
                                 const NewestQuery& query) {
  return [&, branch](SignalSet wanted, LayerIndex layer, std::uint32_t first, std::uint32_t lists) {
    const ModelConfig& config = decoder.config();
    const std::int64_t group = config.query_heads / config.kv_heads;
    const std::uint32_t rows = held.list(layer, first).size();
    const auto d = static_cast<std::int64_t>(config.head_dim), count = std::int64_t{rows} - held.questionTokens();
    LayerAttention entries{.layer = layer,
                           .query = {},
                           .key = at::empty({lists, count, d}, at::kFloat),
                           .value = at::empty({lists, count, d}, at::kFloat)};
    if (wanted.contains(Signal::PageBound))
      entries.query = query(layer).to(at::kCPU, at::kFloat).narrow(0, first * group, lists * group).unsqueeze(1);
    entries.output_weight = [&] { return decoder.outputWeight(layer).to(at::kCPU); };
    std::vector<std::uint64_t> positions;
    for (std::uint32_t i = 0; i < lists; ++i)
      addPositions(held.list(layer, first + i), held.questionRow(layer, first + i), held.questionTokens(), positions);
    const HeldRows rows_held{positions, held.promptTokens(), first};
    for (std::uint32_t i = 0; i < lists; ++i)
      store.edit(branch, layer, first + i, {0, rows}, [&](const policy::ListEntries& list) {
        const std::size_t question = std::size_t{held.questionRow(layer, first + i)} * config.head_dim,
                          size = std::size_t{held.questionTokens()} * config.head_dim;
        copyOthers(list.key, question, size, entries.key.mutable_data_ptr<float>() + i * count * d);
        copyOthers(list.value, question, size, entries.value.mutable_data_ptr<float>() + i * count * d);
      });
    SignalValues values;
    for (const Signal signal : wanted.members()) {
      const at::Tensor of = signalOf(signal, entries, config, parameters, rows_held).contiguous();
      values[signal].assign(of.const_data_ptr<float>(), of.const_data_ptr<float>() + of.numel());
    }
    return values;
  };
}

}  // namespace kvatlas::capture
