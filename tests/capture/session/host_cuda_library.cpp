#include "tests/capture/session/host_cuda_library.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <span>
#include <vector>

#include "kernels/attention_probe.h"
#include "kernels/ragged_decode.h"
#include "kernels/top_entries.h"

namespace kvatlas::capture::test {
namespace {

const char* hostProbe(const KvatlasCudaProbe* p, void*) {
  HostCudaBehaviour& behaviour = hostCudaBehaviour();
  ++behaviour.probes;
  const kernels::ProbeShape shape{p->query_heads, p->kv_heads,       p->tokens, p->head_dim,
                                  p->window,      p->sliding_window, p->scale};
  const kernels::ProbeInput input{static_cast<const float*>(p->query), static_cast<const float*>(p->key), p->given_lse};
  const kernels::ProbeOutput output{p->lse,         p->entropy,  p->received, p->window_sum,
                                    p->window_rows, p->map_mean, p->map_max,  p->cell};
  const kernels::ProbeReport report = kernels::attentionProbe(shape, input, output, 1);
  const std::uint64_t rows = p->query_heads * p->tokens;
  *p->first_bad = report.ok() ? rows
                              : static_cast<std::uint64_t>(report.bad_head) * p->tokens +
                                    static_cast<std::uint64_t>(report.bad_query);
  if (behaviour.gives_up[p->path]) *p->first_bad = ~std::uint64_t{0};
  if (behaviour.wrong[p->path] && p->received != nullptr) p->received[rows / 2] *= 1.001F;
  return nullptr;
}

const char* hostDecode(const KvatlasCudaDecode* decode, void*) {
  ++hostCudaBehaviour().decodes;
  std::vector<kernels::DecodeSegment> segments;
  for (std::uint64_t i = 0; i < decode->count; ++i) {
    const KvatlasCudaSegment& s = decode->segments[i];
    if (s.rows > decode->most_rows || s.length > decode->most_length) return "a segment exceeds the announced size";
    segments.push_back({static_cast<const float*>(s.query), s.rows, static_cast<const float*>(s.key),
                        static_cast<const float*>(s.value), s.length, static_cast<float*>(s.output), s.probabilities});
  }
  kernels::raggedDecodeAttention(segments, decode->head_dim, decode->scale, 1);
  return nullptr;
}

const char* hostGather(const void* source, const std::uint32_t* rows, std::uint64_t count, std::uint64_t row_bytes,
                       void* target, void*) {
  ++hostCudaBehaviour().gathers;
  for (std::uint64_t i = 0; i < count; ++i)
    std::memcpy(static_cast<char*>(target) + i * row_bytes, static_cast<const char*>(source) + rows[i] * row_bytes,
                row_bytes);
  return nullptr;
}

const char* hostCompact(const KvatlasCudaList* lists, std::uint64_t count, const std::uint32_t* given_up,
                        std::uint64_t row_bytes, void*) {
  ++hostCudaBehaviour().compactions;
  for (const KvatlasCudaList& list : std::span(lists, count)) {
    auto* const rows = static_cast<char*>(list.rows);
    const std::span<const std::uint32_t> gone(given_up + list.first, list.count);
    std::uint64_t kept = 0;
    for (std::uint32_t row = 0; row < list.length; ++row)
      if (!std::ranges::binary_search(gone, row))
        std::memmove(rows + kept++ * row_bytes, rows + row * row_bytes, row_bytes);
  }
  return nullptr;
}

const char* hostTop(const KvatlasCudaTop* top, void*) {
  ++hostCudaBehaviour().tops;
  std::vector<kernels::TopEntry> entries(top->entries);
  for (std::uint64_t row = 0; row < top->count; ++row) {
    if (top->rows[row].length > top->most_length) return "a row exceeds the announced length";
    kernels::topEntries({top->rows[row].values, top->rows[row].length}, entries);
    for (std::uint64_t i = 0; i < top->entries; ++i)
      top->output[row * top->entries + i] = {entries[i].value, entries[i].column};
  }
  return nullptr;
}

}  // namespace

double hostCudaTolerance() {
  return 0;
}

const kernels::CudaLibrary& makeHostCudaLibrary() {
  static std::deque<kernels::CudaLibrary> libraries;
  kernels::CudaLibrary& library = libraries.emplace_back();
  library.use_device = [](std::int32_t) -> const char* { return nullptr; };
  library.probe_best_path = [](const KvatlasCudaProbe*) { return hostCudaBehaviour().best_path; };
  library.probe_workspace = [](const KvatlasCudaProbe*) { return std::uint64_t{16}; };
  library.probe = hostProbe;
  library.decode_workspace = [](const KvatlasCudaDecode*) { return std::uint64_t{16}; };
  library.decode = hostDecode;
  library.gather = hostGather;
  library.compact = hostCompact;
  library.top_workspace = [](const KvatlasCudaTop*) { return std::uint64_t{16}; };
  library.top = hostTop;
  hostCudaBehaviour() = {};
  return library;
}

}  // namespace kvatlas::capture::test
