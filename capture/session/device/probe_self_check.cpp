// The self-check that a path of the CUDA probe must pass before a run uses it.
#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <mutex>
#include <random>
#include <tuple>

#include "capture/session/device/cuda_probe.h"
#include "core/base/error.h"

namespace kvatlas::capture {
namespace {

// More query blocks than stripes, so that every path wraps around its ring; a ragged end, several query heads per KV
// head.
constexpr std::size_t kTokens = 4613, kQueryHeads = 4, kKvHeads = 2;

// The second case has a sliding window, and cells that are pooled from smaller ones.
struct SmallCase {
  std::size_t sliding_window, cell;
};
constexpr SmallCase kCases[] = {{0, 16}, {100, 256}};

struct Results {
  std::vector<float> lse, entropy, received, map_mean, map_max;
  kernels::ProbeReport report;
};

at::Tensor randomTensor(std::size_t heads, std::size_t d, unsigned seed, const at::Tensor& like) {
  std::mt19937 random(seed);
  const at::Tensor host = at::empty({static_cast<std::int64_t>(heads), kTokens, static_cast<std::int64_t>(d)});
  float* const values = host.mutable_data_ptr<float>();
  // Sums of uniform numbers are the same on every machine; std::normal_distribution is not.
  for (std::int64_t i = 0; i < host.numel(); ++i)
    values[i] = static_cast<float>(random() % 4096 + random() % 4096) / 2048.0F - 2.0F;
  return host.to(like.options());
}

Results runPath(const kernels::CudaLibrary& library, const at::Tensor& query, const at::Tensor& key,
                const at::Tensor& lse, const SmallCase& small, KvatlasProbePath path) {
  const std::size_t cells = (kTokens + small.cell - 1) / small.cell;
  const auto d = static_cast<std::size_t>(query.size(2));
  const kernels::ProbeShape shape{.query_heads = kQueryHeads,
                                  .kv_heads = kKvHeads,
                                  .tokens = kTokens,
                                  .head_dim = d,
                                  .sliding_window = small.sliding_window,
                                  .scale = 1.0F / std::sqrt(static_cast<float>(d))};
  Results r;
  r.lse.resize(kQueryHeads * kTokens);
  r.entropy.resize(kQueryHeads * kTokens);
  r.received.resize(kQueryHeads * kTokens);
  r.map_mean.resize(kQueryHeads * cells * cells);
  r.map_max.resize(kQueryHeads * cells * cells);
  const kernels::ProbeOutput output{.lse = r.lse.data(),
                                    .entropy = r.entropy.data(),
                                    .received = r.received.data(),
                                    .map_mean = r.map_mean.data(),
                                    .map_max = r.map_max.data(),
                                    .cell = small.cell};
  r.report = beginProbe(library, shape, query, key, lse, output, path).finish();
  return r;
}

double worst(const std::vector<float>& actual, const std::vector<float>& expected, double floor) {
  double most = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double error = std::abs(static_cast<double>(actual[i]) - expected[i]) / std::max<double>(expected[i], floor);
    if (!(error <= most)) most = error;  // NaN counts as wrong
  }
  return most;
}

// Empty when equal, else what is wrong.
std::string compare(const Results& actual, const Results& expected) {
  if (!actual.report.ok()) return "finds a value that is not finite where there is none";
  constexpr double kMost = 1e-4;  // a wrong layout or phase is off by far more, rounding by far less
  const auto check = [](const char* what, double error) {
    return error <= kMost ? std::string() : fmt::format("{} is off by {:.1e}", what, error);
  };
  for (const std::string& wrong : {check("the column sum", worst(actual.received, expected.received, 1e-6)),
                                   check("the entropy", worst(actual.entropy, expected.entropy, 0.1)),
                                   check("the mean map", worst(actual.map_mean, expected.map_mean, 1e-6)),
                                   check("the map of largest values", worst(actual.map_max, expected.map_max, 1e-6))})
    if (!wrong.empty()) return wrong;
  return {};
}

std::string checkPath(const kernels::CudaLibrary& library, const at::Tensor& like, KvatlasProbePath path) {
  const auto d = static_cast<std::size_t>(like.size(2));
  const at::Tensor query = randomTensor(kQueryHeads, d, 1, like), key = randomTensor(kKvHeads, d, 2, like);
  try {
    for (const SmallCase& small : kCases) {
      const Results expected = runPath(library, query, key, {}, small, kKvatlasProbePlain);
      const at::Tensor lse = at::empty({kQueryHeads, kTokens});
      std::copy(expected.lse.begin(), expected.lse.end(), lse.mutable_data_ptr<float>());
      const Results actual = runPath(library, query, key, lse.to(like.device()), small, path);
      if (std::string wrong = compare(actual, expected); !wrong.empty()) return wrong;
    }
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

KvatlasProbePath bestPath(const kernels::CudaLibrary& library, const at::Tensor& query) {
  KvatlasCudaProbe probe{};
  probe.head_dim = static_cast<std::uint64_t>(query.size(2));
  probe.tokens = static_cast<std::uint64_t>(query.size(1));
  probe.element = elementOf(query);
  probe.query = query.const_data_ptr();
  probe.key = query.const_data_ptr();
  return static_cast<KvatlasProbePath>(library.probe_best_path(&probe));
}

}  // namespace

KvatlasProbePath checkedProbePath(const kernels::CudaLibrary& library, const at::Tensor& query,
                                  const std::function<void(const std::string&)>& warn) {
  using Key = std::tuple<const void*, c10::DeviceIndex, at::ScalarType, std::int64_t>;
  static std::mutex mutex;
  static std::map<Key, KvatlasProbePath> chosen;
  const std::lock_guard lock(mutex);
  const Key key{&library, query.device().index(), query.scalar_type(), query.size(2)};
  if (const auto found = chosen.find(key); found != chosen.end()) return found->second;
  const c10::DeviceGuard guard(query.device());
  if (query.is_cuda()) {
    if (const char* error = library.use_device(query.device().index())) fail("the CUDA probe failed: {}", error);
  }
  int path = bestPath(library, query);
  for (; path > kKvatlasProbePlain; --path) {
    const std::string wrong = checkPath(library, query, static_cast<KvatlasProbePath>(path));
    if (wrong.empty()) break;
    warn(fmt::format("the {} attention probe fails its self-check on this device ({}); using {}",
                     path == kKvatlasProbeWgmma ? "wgmma" : "mma", wrong,
                     path == kKvatlasProbeWgmma ? "the mma one" : "the plain one, which is slower"));
  }
  return chosen.emplace(key, static_cast<KvatlasProbePath>(path)).first->second;
}

}  // namespace kvatlas::capture
