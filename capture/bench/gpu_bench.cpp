#include "capture/bench/gpu_bench.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/randn.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <new>

#include "capture/bench/layer_bench.h"
#include "capture/model/cuda_attention.h"
#include "capture/session/device/cuda_probe.h"
#include "capture/session/device/device.h"
#include "capture/session/session.h"
#include "core/base/error.h"

namespace kvatlas::capture {
namespace {

constexpr std::uint32_t kUsualLengths[] = {2048, 4096, 8192, 16384, 32768, 65536, 131072};

std::uint64_t freeBytes(const std::vector<int>& devices) {
  std::uint64_t all = 0;
  for (const int device : devices) {
    std::uint64_t free = 0, total = 0;
    if (const char* error = cudaKernels().device_memory(device, &free, &total)) fail("cuda:{}: {}", device, error);
    all += free;
  }
  return all;
}

class Bench {
 public:
  Bench(const GpuBenchOptions& options, const WorkContext& work) : m_options(options), m_work(work) {
    m_model = std::make_shared<LoadedModel>();
    m_model->config = options.shape;
    DeviceChoice choice = chooseDevices(options.device, options.dtype);
    m_model->load = choice.load;
    m_model->dtype_name = choice.dtype_name;
    m_model->cuda = choice.cuda;
    m_free_before = freeBytes(choice.cuda);
    chooseLengths(choice);
    placeModel(*m_model, question(*std::ranges::max_element(m_lengths)), work);
    m_model->decoder.emplace(Decoder::random(options.shape, m_model->load));
    m_report = {.shape = options.shape.name, .machine = describe()};
  }

  [[nodiscard]] const GpuBenchReport& report() const { return m_report; }
  [[nodiscard]] const std::vector<std::uint32_t>& lengths() const { return m_lengths; }

  GpuBenchRow measure(std::uint32_t tokens) {
    GpuBenchRow row{.tokens = tokens};
    for (std::uint32_t i = 0; i < m_options.repeat; ++i) {
      m_plain.push_back(run(tokens, false, false).prefill_seconds);
      const SessionResult alone = run(tokens, true, false), many = run(tokens, true, true);
      m_capture.push_back(alone.prefill_seconds);
      m_alone.push_back(alone.decode_seconds);
      m_many.push_back(many.decode_seconds);
    }
    row.prefill = median(std::exchange(m_plain, {}));
    row.capture = median(std::exchange(m_capture, {}));
    row.full_decode = median(std::exchange(m_alone, {}));
    row.branches = median(std::exchange(m_many, {}));
    const std::uint64_t free = freeBytes(m_model->cuda);
    row.peak_bytes = m_free_before > free ? m_free_before - free : 0;
    measureLayer(row);
    return row;
  }

 private:
  [[nodiscard]] MemoryQuestion question(std::uint32_t tokens) const {
    return {.tokens = tokens, .new_tokens = m_options.new_tokens, .branches = 17};
  }

  void chooseLengths(const DeviceChoice& choice) {
    m_lengths = m_options.lengths;
    if (!m_lengths.empty()) return;
    m_lengths = fittingLengths(
        kUsualLengths, [&](std::uint32_t tokens) { return missingMemory(choice, m_options.shape, question(tokens)); },
        [&](const std::string& text) { m_work.progress->warn(text); });
  }

  // One layer's statistics in three ways. Releases their memory: it must not count in the next length's peak.
  void measureLayer(GpuBenchRow& row) {
    const LayerBench layer(m_options.shape, tensorOptions(), m_options.repeat, m_work);
    row.probe = layer.probe(row.tokens, cellFor(row.tokens));
    const double pairs = 0.5 * row.tokens * (row.tokens + 1.0);
    row.probe_tflops = 2.0 * m_options.shape.head_dim * m_options.shape.query_heads * pairs / row.probe / 1e12;
    if (row.tokens <= m_options.library_most)
      row.library = measureOrNote("library-only path", row.missing, [&] { return layer.library(row.tokens); });
    else
      row.missing.push_back(fmt::format("library-only path: not measured beyond {} tokens", m_options.library_most));
    releaseUnusedMemory(m_model->load.device);
    row.pooling = measureOrNote("SeerAttention-style pooling", row.missing, [&] { return layer.pooling(row.tokens); });
    releaseUnusedMemory(m_model->load.device);
  }

  [[nodiscard]] at::TensorOptions tensorOptions() const {
    return at::TensorOptions().dtype(m_model->load.dtype).device(m_model->load.device);
  }

  std::string describe() {
    std::string device = "CPU", paths;
    if (!m_model->cuda.empty()) {
      char name[256] = {};
      static_cast<void>(cudaKernels().device_name(m_model->cuda.front(), name, sizeof name));
      device = fmt::format("{} × {}", m_model->cuda.size(), name);
      const at::Tensor like = at::randn({m_options.shape.query_heads, 128, m_options.shape.head_dim}, tensorOptions());
      const char* const path[] = {"plain", "mma", "wgmma"};
      const auto warn = [&](const std::string& text) { m_work.progress->warn(text); };
      paths = fmt::format(", attention by {}, probe {}", cudaAttention(like, 0).name,
                          path[checkedProbePath(cudaKernels(), like, warn)]);
    }
    return fmt::format("{}, {}{}", device, m_model->dtype_name, paths);
  }

  [[nodiscard]] std::size_t cellFor(std::uint32_t tokens) const {
    return std::bit_ceil((std::size_t{tokens} + m_options.map_size - 1) / m_options.map_size);
  }

  SessionResult run(std::uint32_t tokens, bool capture, bool branches) {
    SessionOptions options{.max_new_tokens = capture ? m_options.new_tokens : 0, .measure = false};
    if (branches) {
      for (const char* method : {"streamingllm", "h2o", "snapkv", "pyramidkv"})
        options.methods.push_back(policy::parseMethod(method));
      for (const char* budget : {"64", "128", "256", "512"}) options.budgets.push_back(policy::parseBudget(budget));
    }
    PreparedPrompt prompt;
    for (std::uint32_t i = 0; i < tokens; ++i) prompt.ids.push_back(2 + (i * 7919) % (m_options.shape.vocab_size - 2));
    prompt.offsets.assign(tokens + std::size_t{1}, 0);
    Session session(options, m_model, prompt, m_work);
    session.loadWeights(m_work);
    if (capture) {
      const StatisticsRequest everything{
          .wanted = alwaysMeasured(), .map_cell = cellFor(tokens), .window = session.window(), .tensors = false};
      session.setLayerSink([](const LayerAttention&, LayerStatistics&) {}, everything,
                           std::vector<bool>(m_options.shape.layers, true));
    }
    return session.run(m_work);
  }

  const GpuBenchOptions& m_options;
  const WorkContext& m_work;
  std::shared_ptr<LoadedModel> m_model;
  std::uint64_t m_free_before = 0;
  GpuBenchReport m_report;
  std::vector<std::uint32_t> m_lengths;
  std::vector<double> m_plain, m_capture, m_alone, m_many;
};

}  // namespace

ModelConfig llama3Shape() {
  ModelConfig config;
  config.name = "Llama 3 8B shape";
  config.architecture = "LlamaForCausalLM";
  config.layers = 32;
  config.query_heads = 32;
  config.kv_heads = 8;
  config.head_dim = 128;
  config.hidden_size = 4096;
  config.intermediate_size = 14336;
  config.vocab_size = 128256;
  config.max_positions = std::uint64_t{1} << 20;
  config.rms_norm_eps = 1e-5;
  config.rope.theta = 500000.0;
  return config;
}

std::vector<std::uint32_t> fittingLengths(std::span<const std::uint32_t> lengths,
                                          const std::function<std::string(std::uint32_t)>& lacking,
                                          const std::function<void(const std::string&)>& warn) {
  std::vector<std::uint32_t> fitting;
  std::string least;  // reason of the shortest length left out
  for (const std::uint32_t tokens : lengths) {
    const std::string text = lacking(tokens);
    if (text.empty())
      fitting.push_back(tokens);
    else
      warn(fmt::format("bench gpu leaves out {} tokens: {}", tokens, text));
    if (least.empty()) least = text;
  }
  if (fitting.empty()) fail("bench gpu: no length fits: {}", least);
  return fitting;
}

double measureOrNote(const std::string& name, std::vector<std::string>& missing, const std::function<double()>& work) {
  try {
    return work();
  } catch (const c10::Error& error) {
    // "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has …": the first sentence is enough.
    const std::string text = error.what_without_backtrace();
    missing.push_back(fmt::format("{}: {}", name, text.substr(0, std::min(text.find(" GPU "), text.find('\n')))));
  } catch (const std::bad_alloc&) {
    missing.push_back(fmt::format("{}: out of memory", name));
  }
  return 0;
}

void benchGpu(const GpuBenchOptions& options, const WorkContext& work,
              const std::function<void(const GpuBenchReport&, const GpuBenchRow&)>& row) {
  const at::AutoDispatchBelowADInplaceOrView no_autograd;
  GpuBenchOptions complete = options;
  if (complete.shape.layers == 0) complete.shape = llama3Shape();
  if (options.layers > 0) {
    complete.shape.layers = options.layers;
    complete.shape.name += fmt::format(", here with {} layers", options.layers);
  }
  Bench bench(complete, work);
  for (const std::uint32_t tokens : bench.lengths()) row(bench.report(), bench.measure(tokens));
}

}  // namespace kvatlas::capture
