#include "capture/model/decoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>
#include <c10/core/DeviceGuard.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>

#include "capture/model/attention.h"
#include "capture/model/checkpoint.h"
#include "capture/model/rope.h"
#include "capture/model/weights.h"
#include "core/base/error.h"

namespace kvatlas::capture {
namespace {

// On two CPU cores 512 rows of an 8B model's MLP take about a second: the longest delay of a stop request.
constexpr std::int64_t kCpuRows = 512, kDeviceRows = 4096;

// Runs `work` without autograd; turns an ATen error (out of memory, no such device) into one sentence.
template <class Work>
auto withAten(const char* task, Work&& work) {
  const at::AutoDispatchBelowADInplaceOrView no_autograd;
  try {
    return work();
  } catch (const c10::OutOfMemoryError& error) {
    const std::string text = error.what_without_backtrace();
    fail(
        "{}: the device has no memory left ({}); helps: a shorter prompt, fewer methods and budgets, --dtype bf16, "
        "more "
        "devices as in --device cuda:0,cuda:1, or --device cpu",
        task, text.substr(0, text.find('\n')));
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    fail("{}: {}", task, text.substr(0, text.find('\n')));
  }
}

at::Tensor apply(const Linear& linear, const at::Tensor& rows) {
  return linear.bias.defined() ? at::linear(rows, linear.weight, linear.bias) : at::linear(rows, linear.weight);
}

}  // namespace

struct Decoder::Impl {
  ModelConfig config;
  LoadOptions options;
  std::string fingerprint;
  Weights weights;

  [[nodiscard]] at::TensorOptions tensorOptions() const {
    return at::TensorOptions().dtype(options.dtype).device(options.device);
  }

  // The device of a layer.
  [[nodiscard]] at::Device deviceOf(std::uint32_t layer) const {
    return options.layer_devices.empty() ? options.device : options.layer_devices[layer];
  }

  // Zhang & Sennrich 2019; the mean of squares in float32 as in Transformers.
  [[nodiscard]] at::Tensor norm(const at::Tensor& rows, const at::Tensor& weight) const {
    const at::Tensor wide = rows.to(at::kFloat);
    const at::Tensor scale = (wide.pow(2).mean(-1, true) + config.rms_norm_eps).rsqrt();
    return weight * (wide * scale).to(rows.scalar_type());
  }

  [[nodiscard]] at::Tensor mlp(const LayerWeights& layer, const at::Tensor& rows) const {
    return apply(layer.down, at::silu(apply(layer.gate, rows)).mul_(apply(layer.up, rows)));
  }

  // The rest of a layer after attention, in place on the residual rows: output projection, norm, MLP.
  void finish(const LayerWeights& layer, const at::Tensor& rows, const at::Tensor& attended) const {
    rows.add_(apply(layer.output, attended));
    rows.add_(mlp(layer, norm(rows, layer.mlp_norm)));
  }

  [[nodiscard]] at::Tensor logits(const at::Tensor& rows) const {
    return at::linear(norm(rows, weights.final_norm), weights.logits).to(at::kCPU, at::kFloat);
  }

  // [n, heads·d] → [n, heads, d]
  [[nodiscard]] at::Tensor heads(const at::Tensor& rows) const {
    return rows.view({rows.size(0), -1, config.head_dim});
  }

  [[nodiscard]] at::Tensor embed(std::span<const TokenId> ids) const {
    at::Tensor index = at::empty({static_cast<std::int64_t>(ids.size())}, at::kLong);
    std::int64_t* out = index.mutable_data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] >= config.vocab_size)
        failUsage("token {} of the prompt has id {}; the vocabulary of {} has {} entries", i, ids[i], config.name,
                  config.vocab_size);
      out[i] = ids[i];
    }
    return at::index_select(weights.embedding, 0, index.to(options.device));
  }

  template <class Body>
  void forChunks(std::int64_t begin, std::int64_t end, const WorkContext& work, Body&& body) const {
    for (std::int64_t row = begin; row < end; row += options.row_chunk) {
      work.checkStop();
      body(row, std::min(row + options.row_chunk, end));
    }
  }

  // Each head of q or k, normed before it is rotated where the model does so.
  [[nodiscard]] at::Tensor normedHeads(const Linear& linear, const at::Tensor& weight, const at::Tensor& rows) const {
    const at::Tensor split = heads(apply(linear, rows));
    return weight.defined() ? norm(split, weight) : split;
  }

  struct Projected {
    at::Tensor query, key, value;  // [heads, N, d]
  };

  [[nodiscard]] Projected project(const LayerWeights& layer, const at::Tensor& hidden, const RopeTable& table,
                                  const WorkContext& work) const {
    const std::int64_t count = hidden.size(0);
    const auto room = [&](std::uint32_t number) {
      return at::empty({number, count, config.head_dim}, hidden.options());
    };
    Projected out{room(config.query_heads), room(config.kv_heads), room(config.kv_heads)};
    forChunks(0, count, work, [&](std::int64_t begin, std::int64_t end) {
      const at::Tensor rows = norm(hidden.slice(0, begin, end), layer.attention_norm);
      const RopeTable angles{table.cosine.slice(0, begin, end), table.sine.slice(0, begin, end)};
      rotateInto(out.query.slice(1, begin, end), normedHeads(layer.query, layer.query_norm, rows), angles);
      rotateInto(out.key.slice(1, begin, end), normedHeads(layer.key, layer.key_norm, rows), angles);
      out.value.slice(1, begin, end).copy_(heads(apply(layer.value, rows)).transpose(0, 1));
    });
    return out;
  }

  void report(AttentionObserver* observer, LayerIndex layer, const Projected& projected,
              const AttentionOutput& attention) const {
    if (observer == nullptr || !observer->wants(layer)) return;
    // The CPU kernel's exponential for 16-bit types is too imprecise for a log-sum-exp.
    const bool exact = options.dtype == at::kFloat || !options.device.is_cpu();
    const at::Tensor lse = exact ? attention.lse.contiguous() : at::Tensor();
    observer->onAttention(
        {layer, projected.query, projected.key, projected.value, lse, weights.layers[layer.value].output.weight});
  }

  // Residual rows after the last layer, complete only from row `needed`; keys and values go to `cache`.
  [[nodiscard]] at::Tensor forward(std::span<const TokenId> ids, std::int64_t needed, AttentionObserver* observer,
                                   const WorkContext& work, std::vector<LayerCache>& cache) const {
    at::Tensor hidden = embed(ids);
    const std::int64_t count = hidden.size(0);
    RopeTable table = promptTable(config.rope, config.head_dim, ids.size(), tensorOptions());
    work.progress->begin("prefill", config.layers);
    for (std::uint32_t index = 0; index < config.layers; ++index) {
      const LayerWeights& layer = weights.layers[index];
      const c10::DeviceGuard guard(deviceOf(index));
      moveTo(deviceOf(index), hidden, table);
      const Projected projected = project(layer, hidden, table, work);
      const AttentionOutput attention = causalAttention(projected.query, projected.key, projected.value,
                                                        config.sliding_window, [&] { work.checkStop(); });
      report(observer, LayerIndex(index), projected, attention);
      forChunks(index + 1 == config.layers ? needed : 0, count, work, [&](std::int64_t begin, std::int64_t end) {
        const at::Tensor attended = attention.output.slice(1, begin, end).transpose(0, 1).reshape({end - begin, -1});
        finish(layer, hidden.slice(0, begin, end), attended);
      });
      cache.push_back({projected.key, projected.value});
      work.progress->advance(index + 1);
    }
    work.progress->end();
    return hidden.to(options.device);
  }

  // Moves the rows to the next layer's device; a no-op when they are already there.
  static void moveTo(const at::Device& device, at::Tensor& hidden, RopeTable& table) {
    hidden = hidden.to(device);
    table = {table.cosine.to(device), table.sine.to(device)};
  }

  // Residual rows after the last layer.
  [[nodiscard]] at::Tensor step(std::span<const TokenId> ids, std::span<const std::uint64_t> positions,
                                std::uint64_t prompt_tokens, const StepAttention& attention) const {
    if (ids.empty() || ids.size() != positions.size())
      failUsage("a decoding step needs one position per token: {} tokens, {} positions", ids.size(), positions.size());
    RopeTable table = stepTable(config.rope, config.head_dim, positions, prompt_tokens, tensorOptions());
    at::Tensor hidden = embed(ids);
    const std::int64_t batch = hidden.size(0);
    for (std::uint32_t index = 0; index < config.layers; ++index) {
      const LayerWeights& layer = weights.layers[index];
      const c10::DeviceGuard guard(deviceOf(index));
      moveTo(deviceOf(index), hidden, table);
      const at::Tensor rows = norm(hidden, layer.attention_norm);
      const auto rotated = [&](const Linear& linear, const at::Tensor& weight, std::uint32_t number) {
        at::Tensor out = at::empty({batch, number, config.head_dim}, hidden.options());
        rotateInto(out.transpose(0, 1), normedHeads(linear, weight, rows), table);
        return out;
      };
      const at::Tensor attended =
          attention(LayerIndex(index), rotated(layer.query, layer.query_norm, config.query_heads),
                    rotated(layer.key, layer.key_norm, config.kv_heads), heads(apply(layer.value, rows)));
      finish(layer, hidden, attended.reshape({batch, -1}));
    }
    return hidden.to(options.device);
  }
};

Decoder::Decoder(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

const ModelConfig& Decoder::config() const {
  return m_impl->config;
}
const LoadOptions& Decoder::options() const {
  return m_impl->options;
}
std::int64_t Decoder::defaultRowChunk(const at::Device& device) {
  return device.is_cpu() ? kCpuRows : kDeviceRows;
}
const std::string& Decoder::weightsFingerprint() const {
  return m_impl->fingerprint;
}

Decoder Decoder::load(const std::filesystem::path& model_folder, const LoadOptions& options, const WorkContext& work) {
  return withAten("loading the model", [&] {
    if (!options.layer_devices.empty() && options.layer_devices.size() != loadModelConfig(model_folder).layers)
      fail("{} layers are placed on devices; {} has another number", options.layer_devices.size(),
           model_folder.string());
    if (options.row_chunk < 0) failUsage("row_chunk {}: expected 0 or more", options.row_chunk);
    auto impl = std::make_unique<Impl>();
    impl->config = loadModelConfig(model_folder);
    impl->options = options;
    if (options.row_chunk == 0) impl->options.row_chunk = defaultRowChunk(options.device);
    const auto source = openWeights(model_folder, impl->config);
    impl->fingerprint = source->fingerprint();
    impl->weights = loadWeights(*source, impl->config, options.dtype, options.device, options.layer_devices, work);
    return Decoder(std::move(impl));
  });
}

Decoder Decoder::random(const ModelConfig& config, const LoadOptions& options) {
  return withAten("making a random model", [&] {
    auto impl = std::make_unique<Impl>();
    impl->config = config;
    impl->options = options;
    if (options.row_chunk == 0) impl->options.row_chunk = defaultRowChunk(options.device);
    impl->weights = randomWeights(config, options.dtype, options.device, options.layer_devices);
    return Decoder(std::move(impl));
  });
}

PrefillResult Decoder::prefill(std::span<const TokenId> ids, AttentionObserver* observer,
                               const WorkContext& work) const {
  return withAten("prefill", [&] {
    if (ids.empty()) failUsage("the prompt is empty: at least one token is needed");
    const ModelConfig& config = m_impl->config;
    if (ids.size() > config.max_positions && config.rope.scaling != RopeScaling::Dynamic)
      work.progress->warn(fmt::format("the prompt has {} tokens; {} was made for {} positions", ids.size(), config.name,
                                      config.max_positions));
    PrefillResult result;
    const auto last = static_cast<std::int64_t>(ids.size()) - 1;
    const at::Tensor hidden = m_impl->forward(ids, last, observer, work, result.cache);
    result.next_logits = m_impl->logits(hidden.narrow(0, last, 1)).squeeze(0);
    return result;
  });
}

at::Tensor Decoder::allLogits(std::span<const TokenId> ids) const {
  return withAten("prefill", [&] {
    if (ids.empty()) failUsage("the prompt is empty: at least one token is needed");
    std::vector<LayerCache> cache;
    const at::Tensor hidden = m_impl->forward(ids, 0, nullptr, {}, cache);
    cache.clear();
    // In chunks: a large vocabulary times a long prompt would not fit a device.
    const at::Tensor all = at::empty({hidden.size(0), m_impl->config.vocab_size}, at::kFloat);
    m_impl->forChunks(0, hidden.size(0), {}, [&](std::int64_t begin, std::int64_t end) {
      all.slice(0, begin, end).copy_(m_impl->logits(hidden.slice(0, begin, end)));
    });
    return all;
  });
}

at::Tensor Decoder::step(std::span<const TokenId> ids, std::span<const std::uint64_t> positions,
                         std::uint64_t prompt_tokens, const StepAttention& attention) const {
  return withAten("decoding", [&] { return m_impl->logits(m_impl->step(ids, positions, prompt_tokens, attention)); });
}

at::Tensor Decoder::step(std::span<const TokenId> ids, std::span<const std::uint64_t> positions,
                         std::uint64_t prompt_tokens, const StepAttention& attention,
                         std::span<const std::int64_t> logit_rows) const {
  return withAten("decoding", [&] {
    const at::Tensor hidden = m_impl->step(ids, positions, prompt_tokens, attention);
    const at::Tensor wanted = at::empty({static_cast<std::int64_t>(logit_rows.size())}, at::kLong);
    std::ranges::copy(logit_rows, wanted.mutable_data_ptr<std::int64_t>());
    return m_impl->logits(at::index_select(hidden, 0, wanted.to(hidden.device())));
  });
}

}  // namespace kvatlas::capture
