#include "capture/model/decoder.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linear.h>
#include <c10/core/DeviceGuard.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>

#include "capture/model/attention.h"
#include "capture/model/checkpoint.h"
#include "capture/model/experts.h"
#include "capture/model/host_threads.h"
#include "capture/model/rope.h"
#include "capture/model/row_steps.h"
#include "capture/model/weights.h"
#include "core/base/error.h"
#include "kernels/few_rows.h"
#include "kernels/parallel.h"

namespace kvatlas::capture {
namespace {

constexpr std::int64_t kDeviceRows = 4096;
constexpr std::int64_t kFewLogitRows = 64;  // rows whose logits need no library
// Weights of a product that one thread of a decoding step reads in about the time that others take to wake up.
constexpr std::int64_t kWeightsWorthThreads = std::int64_t{1} << 20;
constexpr std::int64_t kFewRows = 64;  // as long as weights are read, their products cost nothing

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

at::Tensor scaled(const at::Tensor& rows, double scale) {
  return scale == 1 ? rows : rows * scale;
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

  [[nodiscard]] at::Tensor norm(const at::Tensor& rows, const at::Tensor& weight) const {
    return normed(rows, weight, config.rms_norm_eps);
  }

  // Notes the choice of experts in `tally`, if there is one; `first_row`: the rows' place in the prompt.
  [[nodiscard]] at::Tensor mlp(const LayerWeights& layer, const at::Tensor& rows, ExpertTally* tally,
                               std::int64_t first_row) const {
    if (config.experts > 0) {
      const Routing routing = route(layer.experts, rows, config.experts_per_token);
      if (tally != nullptr) tally->note(first_row, routing);
      return mixture(layer.experts, routing, rows);
    }
    return mlpOutput(layer.mlp, rows);
  }

  // The rest of a layer after attention, in place on the residual rows: output projection, norm, MLP.
  void finish(const LayerWeights& layer, const at::Tensor& rows, const at::Tensor& attended,
              ExpertTally* tally = nullptr, std::int64_t first_row = 0) const {
    const at::Tensor middle = addAndNormed(rows, scaled(product(layer.output, attended), config.residual_scale),
                                           layer.mlp_norm, config.rms_norm_eps);
    addInPlace(rows, scaled(mlp(layer, middle, tally, first_row), config.residual_scale));
  }

  // The experts of rows that finish() skips.
  void noteExperts(const LayerWeights& layer, const at::Tensor& rows, const at::Tensor& attended, ExpertTally& tally,
                   std::int64_t first_row) const {
    const at::Tensor delta = scaled(product(layer.output, attended), config.residual_scale);
    const at::Tensor middle = norm(rows + delta, layer.mlp_norm);
    tally.note(first_row, route(layer.experts, middle, config.experts_per_token));
  }

  // Few rows in f32 on the host: the product's bits do not depend on how many they are, and libraries pack the matrix
  // for two rows or more each time.
  [[nodiscard]] at::Tensor fewLogits(const at::Tensor& normed_rows) const {
    const at::Tensor rows = normed_rows.contiguous();
    at::Tensor out = at::empty({rows.size(0), weights.logits.size(0)}, rows.options());
    kernels::multiplyFewRows({.rows = rows.const_data_ptr<float>(),
                              .matrix = weights.logits.const_data_ptr<float>(),
                              .count = static_cast<std::size_t>(rows.size(0)),
                              .outputs = static_cast<std::size_t>(weights.logits.size(0)),
                              .depth = static_cast<std::size_t>(rows.size(1))},
                             out.mutable_data_ptr<float>(), options.threads);
    return scaled(out, config.logits_scale);
  }

  [[nodiscard]] at::Tensor logits(const at::Tensor& rows) const {
    if (rows.is_cpu() && rows.scalar_type() == at::kFloat && rows.size(0) <= kFewLogitRows)
      return fewLogits(norm(rows, weights.final_norm));
    const bool small = rows.is_cpu() && weights.logits.numel() < kWeightsWorthThreads;
    const LibraryThreads threads(small ? 1 : at::get_num_threads());
    return scaled(at::linear(norm(rows, weights.final_norm), weights.logits), config.logits_scale)
        .to(at::kCPU, at::kFloat);
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
    return scaled(at::index_select(weights.embedding, 0, index.to(options.device)), config.embedding_scale);
  }

  // On the host several chunks at once, on several threads.
  template <class Body>
  void forChunks(std::int64_t begin, std::int64_t end, const WorkContext& work, Body&& body) const {
    if (options.device.is_cpu()) {
      const std::int64_t chunk = options.row_chunk > 0 ? options.row_chunk : hostRowChunk(end - begin);
      return forRowChunks(begin, end, chunk, options.threads, [&](std::int64_t first, std::int64_t last) {
        work.checkStop();
        body(first, last);
      });
    }
    for (std::int64_t row = begin; row < end; row += options.row_chunk) {
      work.checkStop();
      body(row, std::min(row + options.row_chunk, end));
    }
  }

  struct Projected {
    at::Tensor query, key, value;  // [heads, N, d]
  };

  // [n, heads, d] of normed rows, q and k before they are rotated: each head normed where the model does so.
  [[nodiscard]] Projected projectRows(const LayerWeights& layer, const at::Tensor& rows) const {
    Projected out;
    if (layer.query_key_value.packed.defined()) {
      const at::Tensor all = product(layer.query_key_value, rows);
      const std::int64_t query = std::int64_t{config.query_heads} * config.head_dim;
      const std::int64_t key = std::int64_t{config.kv_heads} * config.head_dim;
      out = {heads(all.narrow(1, 0, query)), heads(all.narrow(1, query, key)), heads(all.narrow(1, query + key, key))};
    } else {
      out = {heads(product(layer.query, rows)), heads(product(layer.key, rows)), heads(product(layer.value, rows))};
    }
    if (layer.query_norm.defined()) out.query = norm(out.query, layer.query_norm);
    if (layer.key_norm.defined()) out.key = norm(out.key, layer.key_norm);
    out.query = scaled(out.query, config.query_scale);
    return out;
  }

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
      const Projected parts = projectRows(layer, rows);
      rotateInto(out.query.slice(1, begin, end), parts.query, angles);
      rotateInto(out.key.slice(1, begin, end), parts.key, angles);
      out.value.slice(1, begin, end).copy_(parts.value.transpose(0, 1));
    });
    return out;
  }

  void report(AttentionObserver* observer, LayerIndex layer, const Projected& projected,
              const AttentionOutput& attention) const {
    if (observer == nullptr || !observer->wants(layer)) return;
    observer->onAttention({layer, projected.query, projected.key, projected.value, attention.lse.contiguous(),
                           [&output = weights.layers[layer.value].output] { return plainWeight(output); }});
  }

  // Residual rows after the last layer, complete only from row `needed`; keys and values go to `cache`.
  [[nodiscard]] at::Tensor forward(std::span<const TokenId> ids, std::int64_t needed, AttentionObserver* observer,
                                   const WorkContext& work, PrefillResult& result) const {
    at::Tensor hidden = embed(ids);
    const std::int64_t count = hidden.size(0);
    RopeTable table = promptTable(config.rope, config.head_dim, ids.size(), tensorOptions());
    ExpertTally tally(config, count);
    work.progress->begin("prefill", config.layers);
    for (std::uint32_t index = 0; index < config.layers; ++index) {
      const LayerWeights& layer = weights.layers[index];
      const c10::DeviceGuard guard(deviceOf(index));
      moveTo(deviceOf(index), hidden, table);
      const Projected projected = project(layer, hidden, table, work);
      const AttentionOutput attention = causalAttention(
          projected.query, projected.key, projected.value, config.sliding_window, [&] { work.checkStop(); },
          options.threads);
      report(observer, LayerIndex(index), projected, attention);
      const std::int64_t first = index + 1 == config.layers ? needed : 0;
      const auto attended = [&](std::int64_t begin, std::int64_t end) {
        return attention.output.slice(1, begin, end).transpose(0, 1).reshape({end - begin, -1});
      };
      forChunks(first, count, work, [&](std::int64_t begin, std::int64_t end) {
        finish(layer, hidden.slice(0, begin, end), attended(begin, end), &tally, begin);
      });
      if (config.experts > 0) {
        forChunks(0, first, work, [&](std::int64_t begin, std::int64_t end) {
          noteExperts(layer, hidden.slice(0, begin, end), attended(begin, end), tally, begin);
        });
        tally.finishLayer(index);
      }
      result.cache.push_back({projected.key, projected.value});
      work.progress->advance(index + 1);
    }
    work.progress->end();
    if (config.experts > 0) result.experts = tally.use();
    return hidden.to(options.device);
  }

  // Threads share a product only if it reads enough weights, or works on enough rows, to be worth their meeting after
  // it.
  [[nodiscard]] int stepThreads(std::size_t rows) const {
    if (!options.device.is_cpu()) return at::get_num_threads();
    const std::int64_t largest = std::int64_t{config.hidden_size} * config.intermediate_size *
                                 std::max<std::int64_t>(1, static_cast<std::int64_t>(rows) / kFewRows);
    return largest < kWeightsWorthThreads ? 1 : hostThreads();
  }
  [[nodiscard]] int hostThreads() const {
    return static_cast<int>(options.threads > 0 ? options.threads : kernels::defaultThreads());
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
    const LibraryThreads threads(stepThreads(ids.size()));
    at::Tensor hidden = embed(ids);
    const std::int64_t batch = hidden.size(0);
    for (std::uint32_t index = 0; index < config.layers; ++index) {
      const LayerWeights& layer = weights.layers[index];
      const c10::DeviceGuard guard(deviceOf(index));
      moveTo(deviceOf(index), hidden, table);
      const at::Tensor rows = norm(hidden, layer.attention_norm);
      const Projected parts = projectRows(layer, rows);
      const auto rotated = [&](const at::Tensor& from) {
        at::Tensor out = at::empty(from.sizes(), hidden.options());
        rotateInto(out.transpose(0, 1), from, table);
        return out;
      };
      const at::Tensor attended = attention(LayerIndex(index), rotated(parts.query), rotated(parts.key), parts.value);
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
  return device.is_cpu() ? 0 : kDeviceRows;
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
    impl->weights = loadWeights(*source, impl->config, options, work);
    return Decoder(std::move(impl));
  });
}

Decoder Decoder::random(const ModelConfig& config, const LoadOptions& options) {
  return withAten("making a random model", [&] {
    auto impl = std::make_unique<Impl>();
    impl->config = config;
    impl->options = options;
    if (options.row_chunk == 0) impl->options.row_chunk = defaultRowChunk(options.device);
    impl->weights = randomWeights(config, options);
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
    const at::Tensor hidden = m_impl->forward(ids, last, observer, work, result);
    result.next_logits = m_impl->logits(hidden.narrow(0, last, 1)).squeeze(0);
    return result;
  });
}

at::Tensor Decoder::outputWeight(LayerIndex layer) const {
  return withAten("decoding", [&] { return plainWeight(m_impl->weights.layers.at(layer.value).output); });
}

at::Tensor Decoder::allLogits(std::span<const TokenId> ids) const {
  return withAten("prefill", [&] {
    if (ids.empty()) failUsage("the prompt is empty: at least one token is needed");
    PrefillResult result;
    const at::Tensor hidden = m_impl->forward(ids, 0, nullptr, {}, result);
    result.cache.clear();
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
