// The register tile with the processor's bf16 dot product, which Highway 1.0 does not expose.
#include "kernels/packed_keys.h"
#include "kernels/simd.h"

#include <hwy/targets.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define KVATLAS_BF16_DOT 1
#include <immintrin.h>
#else
#define KVATLAS_BF16_DOT 0
#endif

namespace kvatlas::kernels {

#if KVATLAS_BF16_DOT

bool hasBf16Dot() {
  static const bool processor = __builtin_cpu_supports("avx512bf16") != 0;
  return processor && (hwy::SupportedTargets() & HWY_AVX3) != 0;  // a test may restrict the targets
}

namespace {

constexpr std::size_t kVectorPairs = 16;
constexpr std::size_t kPanelVectors = kPanelKeys / kVectorPairs;

}  // namespace

__attribute__((target("avx512f,avx512bf16"))) void scorePairs(const StripQueries& rows, const std::uint32_t* panel,
                                                              std::size_t pair_count, float* scores) {
  __m512 sum[kStripRows][kPanelVectors];
  for (auto& row : sum) {
    for (auto& value : row) {
      value = _mm512_setzero_ps();
    }
  }
  for (std::size_t pair = 0; pair < pair_count; ++pair, panel += kPanelKeys) {
    __m512i key[kPanelVectors];
    for (std::size_t v = 0; v < kPanelVectors; ++v) {
      key[v] = _mm512_load_si512(panel + v * kVectorPairs);
    }
    for (std::size_t r = 0; r < kStripRows; ++r) {
      const __m512i query = _mm512_set1_epi32(static_cast<int>(rows.pairs[r][pair]));
      for (std::size_t v = 0; v < kPanelVectors; ++v) {
        sum[r][v] = _mm512_dpbf16_ps(sum[r][v], reinterpret_cast<__m512bh>(query), reinterpret_cast<__m512bh>(key[v]));
      }
    }
  }
  for (std::size_t r = 0; r < kStripRows; ++r) {
    for (std::size_t v = 0; v < kPanelVectors; ++v) {
      _mm512_store_ps(scores + r * kPanelKeys + v * kVectorPairs, sum[r][v]);
    }
  }
}

#else

bool hasBf16Dot() {
  return false;
}

void scorePairs(const StripQueries&, const std::uint32_t*, std::size_t, float*) {}

#endif

}  // namespace kvatlas::kernels
