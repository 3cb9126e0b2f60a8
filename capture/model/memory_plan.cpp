#include "capture/model/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kvatlas::capture {
namespace {

constexpr std::uint64_t kFloat = 4;
// The probe's partial results; the reserve of libtorch's allocator and cuBLAS.
constexpr std::uint64_t kProbeWork = std::uint64_t{1} << 29, kReserve = std::uint64_t{1} << 30;

double gigabytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

// Distributes the layers over these devices; nullopt when they do not fit.
std::optional<std::vector<int>> placeOn(const MemoryNeed& need, std::span<const DeviceMemory> devices) {
  const std::uint64_t layer = need.layer_weights + need.layer_cache;
  std::vector<std::uint64_t> room;  // layers each can hold
  std::uint64_t all = 0;
  for (std::size_t d = 0; d < devices.size(); ++d) {
    const std::uint64_t fixed = need.working + (d == 0 ? need.ends : 0);
    const std::uint64_t left = devices[d].free > fixed ? devices[d].free - fixed : 0;
    room.push_back(layer == 0 ? need.layers : left / layer);
    if (devices[d].free < fixed) return std::nullopt;
    all += room.back();
  }
  if (all < need.layers) return std::nullopt;
  // In proportion to the room; the remainder of rounding goes to the first devices with room left.
  std::vector<std::uint64_t> share;
  std::uint64_t given = 0;
  for (const std::uint64_t r : room) {
    share.push_back(r * need.layers / all);
    given += share.back();
  }
  for (std::size_t d = 0; given < need.layers; d = (d + 1) % share.size())
    if (share[d] < room[d]) {
      ++share[d];
      ++given;
    }
  std::vector<int> placed;
  for (std::size_t d = 0; d < devices.size(); ++d) placed.insert(placed.end(), share[d], devices[d].index);
  return placed;
}

bool fits(const ModelConfig& config, MemoryQuestion question, std::span<const DeviceMemory> devices) {
  return placeLayers(memoryNeed(config, question), devices).has_value();
}

}  // namespace

MemoryNeed memoryNeed(const ModelConfig& config, const MemoryQuestion& question) {
  const std::uint64_t hidden = config.hidden_size, d = config.head_dim, e = question.element_bytes;
  const std::uint64_t query = config.query_heads * d, kv = config.kv_heads * d, n = question.tokens;
  MemoryNeed need;
  need.layers = config.layers;
  const std::uint64_t mlp = 3 * hidden * config.intermediate_size;
  const std::uint64_t mlps = config.experts == 0 ? mlp : config.experts * (mlp + hidden);
  need.layer_weights = e * (hidden * (2 * query + 2 * kv) + mlps + 2 * hidden);
  need.ends = e * (config.vocab_size * hidden * (config.tied_output ? 1 : 2) + hidden);
  const double branches = static_cast<double>(question.branches - 1) * question.kept_share * static_cast<double>(n);
  const auto rows = static_cast<std::uint64_t>(std::ceil(branches)) + n + question.branches * question.new_tokens;
  need.layer_cache = 2 * e * kv * rows;
  const std::uint64_t chunk = question.row_chunk == 0 ? n : std::min(question.row_chunk, n);
  // Residual rows; queries and the attention's output; gate, up and their product, norms in float32.
  need.working = e * n * (hidden + 2 * query) + chunk * (3 * e * config.intermediate_size + 3 * kFloat * hidden);
  // One layer's keys and values while branch rows are copied; vectors of the probe.
  need.working += 2 * e * kv * n + 8 * kFloat * config.query_heads * n + kProbeWork + kReserve;
  return need;
}

std::optional<std::vector<int>> placeLayers(const MemoryNeed& need, std::span<const DeviceMemory> devices) {
  for (std::size_t count = 1; count <= devices.size(); ++count)
    if (auto placed = placeOn(need, devices.first(count))) return placed;
  return std::nullopt;
}

std::string outOfMemoryText(const ModelConfig& config, const MemoryQuestion& question,
                            std::span<const DeviceMemory> devices, int devices_of_machine) {
  const MemoryNeed need = memoryNeed(config, question);
  std::string text =
      fmt::format("needs {:.1f} GB (weights {:.1f}, keys and values {:.1f}, working {:.1f}); free:",
                  gigabytes(need.total(devices.size())), gigabytes(need.ends + need.layers * need.layer_weights),
                  gigabytes(need.layers * need.layer_cache), gigabytes(devices.size() * need.working));
  for (const DeviceMemory& device : devices)
    text += fmt::format(" cuda:{} {:.1f} of {:.1f} GB", device.index, gigabytes(device.free), gigabytes(device.total));
  std::string help;
  const auto offer = [&](const std::string& option) { help += (help.empty() ? "" : " or ") + option; };
  if (question.element_bytes > 2) {
    MemoryQuestion half = question;
    half.element_bytes = 2;
    if (fits(config, half, devices)) offer("--dtype bf16");
  }
  if (question.branches > 1) {
    MemoryQuestion fewer = question;
    fewer.branches = 1;
    if (fits(config, fewer, devices)) offer("fewer --method and --budget");
  }
  if (devices_of_machine > static_cast<int>(devices.size())) offer("more devices, as in --device cuda:0,cuda:1");
  std::uint64_t tokens = question.tokens;
  const auto shorter = [&](std::uint64_t n) {
    MemoryQuestion q = question;
    q.tokens = n;
    return q;
  };
  while (tokens > 1 && !fits(config, shorter(tokens), devices)) tokens = tokens * 3 / 4;
  if (tokens > 1 && tokens < question.tokens) offer(fmt::format("a prompt of at most {} tokens", tokens));
  offer("--device cpu");
  return text + "; helps: " + help;
}

HostNeed hostNeed(const ModelConfig& config, const MemoryQuestion& question) {
  MemoryQuestion alone = question;
  alone.new_tokens = 0;  // an answer may end at once
  alone.branches = 1;
  const MemoryNeed least = memoryNeed(config, alone), about = memoryNeed(config, question);
  const std::uint64_t cache = least.layers * least.layer_cache;
  return {.cache = cache,
          .least = cache + question.element_bytes * question.tokens * config.hidden_size,
          .about = about.layers * about.layer_cache + about.working - kProbeWork - kReserve};
}

std::string missingHostMemory(const ModelConfig& config, const MemoryQuestion& question, std::uint64_t free) {
  const HostNeed need = hostNeed(config, question);
  if (need.least <= free) return {};
  const auto least = [&](MemoryQuestion other) { return hostNeed(config, other).least; };
  std::string help;
  MemoryQuestion other = question;
  other.element_bytes = 2;
  if (question.element_bytes > 2 && least(other) <= free) help = "--dtype bf16 or ";
  other = question;
  while (other.tokens > 1 && least(other) > free) other.tokens = other.tokens * 3 / 4;
  return fmt::format(
      "{} with {} tokens needs at least {:.1f} GB of memory beside its weights (keys and values {:.1f}); {:.1f} GB are "
      "free; helps: {}a prompt of at most {} tokens",
      config.name, question.tokens, gigabytes(need.least), gigabytes(need.cache), gigabytes(free), help, other.tokens);
}

std::string missingWeightMemory(const ModelConfig& config, const HostShares& shares, std::uint64_t element_bytes) {
  return fmt::format(
      "{}: its weights need {:.1f} GB of memory in {}, the run {:.1f} GB beside them; {:.1f} GB are free; helps: {}",
      config.name, gigabytes(shares.weights), element_bytes > 2 ? "f32" : "16 bits", gigabytes(shares.beside),
      gigabytes(shares.free), element_bytes > 2 ? "--dtype bf16, or a smaller model" : "a smaller model");
}

}  // namespace kvatlas::capture
