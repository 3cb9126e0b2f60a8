#include "kernels/ragged_decode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "tests/kernels/probe_case.h"
#include "tests/kernels/simd_targets.h"

namespace kvatlas::kernels {
namespace {

// Segments over one buffer, each with its own rows and length.
struct RaggedCase {
  std::size_t head_dim;
  float scale;
  std::vector<std::size_t> rows;
  std::vector<std::size_t> lengths;
  std::vector<float> query, key, value;

  RaggedCase(std::size_t d, std::vector<std::size_t> segment_rows, std::vector<std::size_t> segment_lengths,
             float spread = 1)
      : head_dim(d),
        scale(1 / std::sqrt(static_cast<float>(d))),
        rows(std::move(segment_rows)),
        lengths(std::move(segment_lengths)) {
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0.0F, spread);
    for (std::size_t s = 0; s < rows.size(); ++s) {
      query.resize(query.size() + rows[s] * d);
      key.resize(key.size() + lengths[s] * d);
    }
    value.resize(key.size());
    for (std::vector<float>* vector : {&query, &key, &value}) {
      std::generate(vector->begin(), vector->end(), [&] { return normal(random); });
    }
  }

  std::vector<DecodeSegment> segments(std::vector<float>& output, std::vector<float>& probabilities) const {
    std::size_t total = 0;
    for (std::size_t s = 0; s < rows.size(); ++s) {
      total += rows[s] * lengths[s];
    }
    output.assign(query.size(), -7);
    probabilities.assign(total, -7);
    std::vector<DecodeSegment> list;
    std::size_t q = 0;
    std::size_t k = 0;
    std::size_t p = 0;
    for (std::size_t s = 0; s < rows.size(); ++s) {
      list.push_back({&query[q], rows[s], &key[k], &value[k], lengths[s], &output[q], &probabilities[p]});
      q += rows[s] * head_dim;
      k += lengths[s] * head_dim;
      p += rows[s] * lengths[s];
    }
    return list;
  }
};

void expectMatches(const RaggedCase& c) {
  std::vector<float> output, probabilities, wanted_output, wanted_probabilities;
  raggedDecodeAttention(c.segments(output, probabilities), c.head_dim, c.scale);
  raggedDecodeAttentionReference(c.segments(wanted_output, wanted_probabilities), c.head_dim, c.scale);
  EXPECT_LE(worstError(probabilities, wanted_probabilities, 1e-30), 1e-5);
  EXPECT_LE(worstError(output, wanted_output, 0.1), 1e-5);
}

TEST(RaggedDecode, matchesReferenceOnEveryTarget) {
  forEachTarget([] {
    for (const std::size_t d : {1, 7, 32, 48, 64, 80, 96, 128, 129, 256}) {
      SCOPED_TRACE(d);
      expectMatches(RaggedCase(d, {1, 2, 4, 8, 3, 1, 1}, {1, 2, 63, 64, 65, 200, 1000}));
    }
  });
}

TEST(RaggedDecode, longCache) {
  forEachTarget([] { expectMatches(RaggedCase(16, {4}, {131072})); });
}

TEST(RaggedDecode, hugeAndTinyLogits) {
  forEachTarget([] {
    expectMatches(RaggedCase(32, {2}, {300}, 1e-5F));
    // Logits that float represents exactly, around ±1e4.
    for (const float base : {1e4F, -1e4F}) {
      RaggedCase c(4, {1}, {150});
      c.query = {2, 0, 0, 0};
      for (std::size_t j = 0; j < 150; ++j) {
        c.key[j * 4] = base + static_cast<float>(j * 5 % 13) * 0.5F;
      }
      c.scale = 0.5F;
      expectMatches(c);
    }
  });
}

TEST(RaggedDecode, threadCountDoesNotChangeABit) {
  const RaggedCase c(64, {4, 4, 4, 4, 4}, {500, 17, 900, 1, 333});
  std::vector<float> output, probabilities, again, probabilities_again;
  raggedDecodeAttention(c.segments(output, probabilities), c.head_dim, c.scale, 1);
  for (const unsigned threads : {2U, 3U, 8U}) {
    raggedDecodeAttention(c.segments(again, probabilities_again), c.head_dim, c.scale, threads);
    EXPECT_EQ(output, again);
    EXPECT_EQ(probabilities, probabilities_again);
  }
}

TEST(RaggedDecode, outputAloneIsUnchanged) {
  const RaggedCase c(48, {3, 2}, {130, 70});
  std::vector<float> output, probabilities, alone;
  raggedDecodeAttention(c.segments(output, probabilities), c.head_dim, c.scale);
  std::vector<DecodeSegment> segments = c.segments(alone, probabilities);
  for (DecodeSegment& segment : segments) {
    segment.probabilities = nullptr;
  }
  raggedDecodeAttention(segments, c.head_dim, c.scale);
  EXPECT_EQ(output, alone);
}

TEST(RaggedDecode, aNanInTheCacheReachesTheOutput) {
  forEachTarget([] {
    RaggedCase c(16, {1}, {100});
    for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
      c.key[70 * 16 + 3] = bad;
      std::vector<float> output, probabilities;
      raggedDecodeAttention(c.segments(output, probabilities), c.head_dim, c.scale);
      EXPECT_TRUE(std::isnan(output[0])) << bad;
      EXPECT_TRUE(std::isnan(probabilities[0])) << bad;
    }
  });
}

}  // namespace
}  // namespace kvatlas::kernels
