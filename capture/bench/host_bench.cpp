#include "capture/bench/host_bench.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randn.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <limits>
#include <numeric>
#include <optional>

#include "capture/model/attention.h"
#include "capture/model/decoder.h"
#include "capture/model/host_threads.h"
#include "capture/session/signals/layer_statistics.h"
#include "core/base/error.h"
#include "kernels/parallel.h"
#include "kernels/ragged_decode.h"

namespace kvatlas::capture {
namespace {

constexpr std::int64_t kLimitSides[] = {1024, 2048};
constexpr std::size_t kBandwidthFloats = std::size_t{1} << 26;  // 256 MiB: no cache holds it
constexpr std::size_t kMapSide = 512;

at::ScalarType typeOf(const std::string& name) {
  if (name == "f32") return at::kFloat;
  if (name == "bf16") return at::kBFloat16;
  failUsage("--dtype {}: the bench takes f32 and bf16", name);
}

Decoder decoderOf(const HostBenchOptions& options, const WorkContext& work) {
  const LoadOptions load{.dtype = typeOf(options.dtype), .threads = options.threads};
  return options.model.empty() ? Decoder::random(options.shape, load) : Decoder::load(options.model, load, work);
}

class Stopwatch {
 public:
  explicit Stopwatch(const HostBenchOptions& options) : m_options(options) {}

  // The least seconds of the repetitions after one that warms up.
  template <class Work>
  [[nodiscard]] double least(const Work& work) const {
    double best = std::numeric_limits<double>::max();
    for (std::uint32_t i = 0; i <= m_options.repeat; ++i) {
      const double start = now();
      work();
      if (i > 0) best = std::min(best, now() - start);
    }
    return best;
  }

 private:
  [[nodiscard]] double now() const {
    timespec time{};
    clock_gettime(m_options.threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }
  const HostBenchOptions& m_options;
};

// The parts of a prefill, each with random numbers of one layer's shape.
class LayerParts {
 public:
  LayerParts(const ModelConfig& config, const HostBenchOptions& options, std::int64_t tokens)
      : m_config(config), m_options(options), m_tokens(tokens), m_watch(options), m_type(typeOf(options.dtype)) {}

  [[nodiscard]] double limit() const {
    double best = 0;
    for (const std::int64_t side : kLimitSides)
      for (const bool packed : {false, true}) {
        if (packed && !packable(m_type)) continue;
        const Linear linear = linearOf(side, side, packed);
        const at::Tensor rows = random({side, side});
        const LibraryThreads threads(libraryThreads());
        const double seconds = m_watch.least([&] { static_cast<void>(product(linear, rows)); });
        best = std::max(best, 2.0 * std::pow(static_cast<double>(side), 3) / seconds);
      }
    return best / 1e9;
  }

  [[nodiscard]] double productSeconds() const {
    const std::int64_t hidden = m_config.hidden_size, inner = m_config.intermediate_size;
    const bool packed = packable(m_type);
    const Linear first = linearOf(queries() + 2 * keys(), hidden, packed), output = linearOf(hidden, queries(), packed),
                 both = linearOf(2 * inner, hidden, packed), down = linearOf(hidden, inner, packed);
    const at::Tensor rows = random({m_tokens, std::max({hidden, inner, queries()})});
    return m_watch.least([&] {
      forRowChunks(0, m_tokens, hostRowChunk(m_tokens), m_options.threads, [&](std::int64_t begin, std::int64_t end) {
        for (const Linear* linear : {&first, &output, &both, &down}) {
          const std::int64_t width = linear == &output ? queries() : linear == &down ? inner : hidden;
          static_cast<void>(product(*linear, rows.slice(0, begin, end).narrow(1, 0, width).contiguous()));
        }
      });
    });
  }
  [[nodiscard]] double productFlops() const {
    const double hidden = m_config.hidden_size, inner = m_config.intermediate_size;
    const auto heads = static_cast<double>(queries() + keys());
    return 2.0 * static_cast<double>(m_tokens) * hidden * (2 * heads + 3 * inner);
  }

  [[nodiscard]] double attentionSeconds() const {
    const at::Tensor query = heads(m_config.query_heads), key = heads(m_config.kv_heads),
                     value = heads(m_config.kv_heads);
    return m_watch.least([&] {
      static_cast<void>(causalAttention(
          query, key, value, m_config.sliding_window, [] {}, m_options.threads));
    });
  }
  // Of Q·Kᵀ and of P·V each.
  [[nodiscard]] double pairFlops() const {
    const auto n = static_cast<double>(m_tokens);
    const double window = m_config.sliding_window > 0 ? static_cast<double>(m_config.sliding_window) : n;
    const double w = std::min(window, n);
    return 2.0 * static_cast<double>(queries()) * (w * (w + 1) / 2 + (n - w) * w);
  }

  [[nodiscard]] double probeSeconds() const {
    const at::Tensor query = heads(m_config.query_heads), key = heads(m_config.kv_heads),
                     value = heads(m_config.kv_heads);
    const at::Tensor lse = causalAttention(
                               query, key, value, m_config.sliding_window, [] {}, m_options.threads)
                               .lse;
    std::size_t cell = 1;
    while ((static_cast<std::size_t>(m_tokens) + cell - 1) / cell > kMapSide) cell *= 2;
    const StatisticsRequest request{
        .wanted = {Signal::Entropy, Signal::Received, Signal::WindowSum, Signal::WindowRows},
        .map_cell = cell,
        .window = 8};
    const LayerAttention layer{LayerIndex(0), query, key, value, lse};
    return m_watch.least([&] { static_cast<void>(measureLayer(layer, m_config, request, m_options.threads)); });
  }

 private:
  [[nodiscard]] std::int64_t queries() const { return std::int64_t{m_config.query_heads} * m_config.head_dim; }
  [[nodiscard]] std::int64_t keys() const { return std::int64_t{m_config.kv_heads} * m_config.head_dim; }
  [[nodiscard]] int libraryThreads() const {
    return static_cast<int>(m_options.threads == 0 ? kernels::defaultThreads() : m_options.threads);
  }
  [[nodiscard]] at::Tensor random(at::IntArrayRef sizes) const {
    return at::randn(sizes, at::TensorOptions().dtype(m_type));
  }
  [[nodiscard]] at::Tensor heads(std::int64_t number) const { return random({number, m_tokens, m_config.head_dim}); }
  [[nodiscard]] Linear linearOf(std::int64_t out, std::int64_t in, bool packed) const {
    Linear linear{random({out, in}), {}, {}};
    if (packed) pack(linear);
    return linear;
  }

  const ModelConfig& m_config;
  const HostBenchOptions& m_options;
  std::int64_t m_tokens;
  Stopwatch m_watch;
  at::ScalarType m_type;
};

std::vector<TokenId> someIds(std::size_t count, std::uint32_t vocabulary) {
  std::vector<TokenId> ids(count);
  for (std::size_t i = 0; i < count; ++i) ids[i] = static_cast<TokenId>((i * 2654435761U + 12345) % vocabulary);
  return ids;
}

// Branches that hold random keys and values of one length, the same for every layer: only their size matters.
class HeldCaches {
 public:
  HeldCaches(const ModelConfig& config, std::uint32_t branches, std::uint32_t tokens, unsigned threads)
      : m_config(config),
        m_branches(branches),
        m_tokens(tokens),
        m_threads(threads),
        m_size(std::size_t{tokens} * config.head_dim) {
    m_key.resize(std::size_t{config.layers} * branches * config.kv_heads * m_size, 0.01F);
    m_value = m_key;
  }
  [[nodiscard]] double bytes() const { return 2.0 * static_cast<double>(m_key.size() * sizeof(float)); }

  [[nodiscard]] at::Tensor attend(LayerIndex layer, const at::Tensor& query) const {
    const at::Tensor q = query.to(at::kFloat).contiguous();
    at::Tensor output = at::empty(q.sizes(), q.options());
    const std::size_t group = m_config.query_heads / m_config.kv_heads, row = m_config.head_dim;
    std::vector<kernels::DecodeSegment> segments;
    for (std::size_t i = 0; i < std::size_t{m_branches} * m_config.kv_heads; ++i) {
      const std::size_t list = (layer.value * std::size_t{m_branches} * m_config.kv_heads + i) * m_size;
      segments.push_back({.query = q.const_data_ptr<float>() + i * group * row,
                          .rows = group,
                          .key = m_key.data() + list,
                          .value = m_value.data() + list,
                          .length = m_tokens,
                          .output = output.mutable_data_ptr<float>() + i * group * row});
    }
    kernels::raggedDecodeAttention(segments, row, 1.0F / std::sqrt(static_cast<float>(row)), m_threads);
    return output.to(query.scalar_type());
  }

 private:
  const ModelConfig& m_config;
  std::uint32_t m_branches, m_tokens;
  unsigned m_threads;
  std::size_t m_size;
  std::vector<float> m_key, m_value;
};

double readingBandwidth(const Stopwatch& watch, unsigned threads) {
  const std::vector<float> memory(kBandwidthFloats, 1.0F);
  constexpr std::size_t kPart = std::size_t{1} << 20;
  std::vector<float> sums(kBandwidthFloats / kPart);
  const double seconds = watch.least([&] {
    kernels::parallelFor(sums.size(), threads, [&](std::size_t part, unsigned) {
      // Several sums, so that reading and not one chain of additions is measured.
      std::array<float, 64> lanes{};
      const float* const from = memory.data() + part * kPart;
      for (std::size_t i = 0; i < kPart; i += lanes.size())
        for (std::size_t lane = 0; lane < lanes.size(); ++lane) lanes[lane] += from[i + lane];
      sums[part] = std::accumulate(lanes.begin(), lanes.end(), 0.0F);
    });
  });
  if (sums.front() < 1) fail("the memory read back wrong");
  return static_cast<double>(kBandwidthFloats * sizeof(float)) / seconds / 1e9;
}

double weightBytes(const ModelConfig& config, double element) {
  const double hidden = config.hidden_size, inner = config.intermediate_size;
  const double heads = (config.query_heads + config.kv_heads) * static_cast<double>(config.head_dim);
  return element * hidden * (config.layers * (2 * heads + 3 * inner) + config.vocab_size);
}

}  // namespace

void benchPrefill(const HostBenchOptions& options, const WorkContext& work,
                  const std::function<void(const PrefillBenchRow&)>& row) {
  const at::AutoDispatchBelowADInplaceOrView no_autograd;
  const Decoder decoder = decoderOf(options, work);
  const ModelConfig& config = decoder.config();
  const Stopwatch watch(options);
  for (const std::uint32_t tokens : options.lengths) {
    const LayerParts parts(config, options, tokens);
    const std::vector<TokenId> ids = someIds(tokens, config.vocab_size);
    const double products = parts.productSeconds(), attention = parts.attentionSeconds(), probe = parts.probeSeconds();
    PrefillBenchRow result{.tokens = tokens,
                           .products_by = packable(typeOf(options.dtype)) ? "packed" : "plain",
                           .limit = parts.limit(),
                           .products = parts.productFlops() / products / 1e9,
                           .attention = 2 * parts.pairFlops() / attention / 1e9,
                           .probe = parts.pairFlops() / probe / 1e9,
                           .products_seconds = config.layers * products,
                           .attention_seconds = config.layers * attention,
                           .probe_seconds = config.layers * probe};
    result.prefill_seconds = watch.least([&] { static_cast<void>(decoder.prefill(ids, nullptr, {})); });
    row(result);
    work.checkStop();
  }
}

void benchDecodeStep(const HostBenchOptions& options, const WorkContext& work,
                     const std::function<void(const DecodeBenchRow&)>& row) {
  const at::AutoDispatchBelowADInplaceOrView no_autograd;
  const Decoder decoder = decoderOf(options, work);
  const ModelConfig& config = decoder.config();
  const Stopwatch watch(options);
  const double bandwidth = readingBandwidth(watch, options.threads);
  const double element = typeOf(options.dtype) == at::kFloat ? 4 : 2;
  for (const std::uint32_t branches : options.branches) {
    const std::uint32_t tokens = options.lengths.front();
    const HeldCaches caches(config, branches, tokens, options.threads);
    const std::vector<TokenId> ids = someIds(branches, config.vocab_size);
    const std::vector<std::uint64_t> positions(branches, tokens);
    const StepAttention attention = [&](LayerIndex layer, const at::Tensor& query, const at::Tensor&,
                                        const at::Tensor&) { return caches.attend(layer, query); };
    const double seconds = watch.least([&] { static_cast<void>(decoder.step(ids, positions, tokens, attention)); });
    row({.branches = branches,
         .tokens = tokens,
         .step_seconds = seconds,
         .bytes = weightBytes(config, element) + caches.bytes(),
         .bandwidth = bandwidth});
    work.checkStop();
  }
}

}  // namespace kvatlas::capture
