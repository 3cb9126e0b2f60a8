// The register tiles with the processor's bf16 dot product, which Highway 1.0 does not expose.
#include <algorithm>
#include <cstring>

#include "kernels/blocks/packed_keys.h"
#include "kernels/blocks/prefill_block.h"
#include "kernels/simd.h"

#include <hwy/targets.h>

// clang 16 crashes on these vectors (it compiles the fuzz targets).
#if defined(__x86_64__) && defined(__GNUC__) && !(defined(__clang__) && __clang_major__ == 16)
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

// Pairs may be read in place from rows of bf16.
using PairBits = int __attribute__((may_alias));
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
      const __m512i query = _mm512_set1_epi32(reinterpret_cast<const PairBits*>(rows.pairs[r])[pair]);
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

namespace {

#define KVATLAS_BF16_TARGET __attribute__((target("avx512f,avx512bw,avx512bf16")))

// Rounded probabilities of a strip, [kStripRows][keys / 2] pairs of neighbouring keys.
KVATLAS_BF16_TARGET void roundPairs(const PairProduct& product, std::uint32_t* pairs) {
  for (std::size_t first = 0; first < product.keys; first += kPanelKeys) {
    const float* const panel = product.probabilities + first * kStripRows;
    for (std::size_t r = 0; r < kStripRows; ++r) {
      const float* const row = panel + std::min(r, product.rows - 1) * kPanelKeys;
      for (std::size_t key = 0; key < kPanelKeys; key += 32) {
        const __m512bh both = _mm512_cvtne2ps_pbh(_mm512_load_ps(row + key + 16), _mm512_load_ps(row + key));
        std::memcpy(pairs + r * (kMostBlockKeys / 2) + (first + key) / 2, &both, sizeof both);
      }
    }
  }
}

template <std::size_t kVectors>
KVATLAS_BF16_TARGET inline __attribute__((always_inline)) void addPairColumns(const PairProduct& product,
                                                                              const std::uint32_t* pairs,
                                                                              std::size_t column) {
  __m512 sum[kStripRows][kVectors];
  for (std::size_t r = 0; r < kStripRows; ++r) {
    const std::size_t row = std::min(r, product.rows - 1);
    for (std::size_t v = 0; v < kVectors; ++v) {
      sum[r][v] = _mm512_mul_ps(_mm512_set1_ps(product.correction[row]),
                                _mm512_loadu_ps(product.output + row * product.columns + column + v * kVectorPairs));
    }
  }
  const std::uint32_t* value = product.values + column;
  for (std::size_t pair = 0; pair < (product.keys + 1) / 2; ++pair, value += product.columns) {
    __m512i loaded[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) {
      loaded[v] = _mm512_loadu_si512(value + v * kVectorPairs);
    }
    for (std::size_t r = 0; r < kStripRows; ++r) {
      const __m512i p = _mm512_set1_epi32(static_cast<int>(pairs[r * (kMostBlockKeys / 2) + pair]));
      for (std::size_t v = 0; v < kVectors; ++v) {
        sum[r][v] = _mm512_dpbf16_ps(sum[r][v], reinterpret_cast<__m512bh>(p), reinterpret_cast<__m512bh>(loaded[v]));
      }
    }
  }
  for (std::size_t r = 0; r < product.rows; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      _mm512_storeu_ps(product.output + r * product.columns + column + v * kVectorPairs, sum[r][v]);
    }
  }
}

}  // namespace

KVATLAS_BF16_TARGET void addPairProduct(const PairProduct& product) {
  alignas(64) std::uint32_t pairs[kStripRows * kMostBlockKeys / 2];
  roundPairs(product, pairs);
  std::size_t column = 0;
  for (; column + 4 * kVectorPairs <= product.columns; column += 4 * kVectorPairs) {
    addPairColumns<4>(product, pairs, column);
  }
  const std::size_t left = (product.columns - column) / kVectorPairs;
  if (left == 3) {
    addPairColumns<3>(product, pairs, column);
  } else if (left == 2) {
    addPairColumns<2>(product, pairs, column);
  } else if (left == 1) {
    addPairColumns<1>(product, pairs, column);
  }
}

#else

bool hasBf16Dot() {
  return false;
}

void addPairProduct(const PairProduct&) {}

void scorePairs(const StripQueries&, const std::uint32_t*, std::size_t, float*) {}

#endif

}  // namespace kvatlas::kernels
