#include "kernels/repeat_scores.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <vector>

#include "kernels/blocks/probe_block.h"
#include "kernels/parallel.h"

namespace kvatlas::kernels {
namespace {

// Query rows and keys of a task, fixed so that results cannot depend on the threads.
constexpr std::size_t kTaskRows = 64 * kStripRows;
constexpr std::size_t kTaskKeys = 256;

void require(bool condition, const char* message) {
  if (!condition) {
    throw std::invalid_argument(message);
  }
}

void check(const PrefillShape& shape, const RepeatInput& input, std::span<const TokenRange> ranges) {
  require(shape.query_heads > 0 && shape.kv_heads > 0 && shape.query_heads % shape.kv_heads == 0,
          "repeat scores: query_heads must be a multiple of kv_heads");
  require(shape.head_dim > 0 && shape.queries > 0 && shape.queries <= shape.tokens,
          "repeat scores: queries must be 1 to tokens, head_dim positive");
  require(std::isfinite(shape.scale) && shape.scale > 0, "repeat scores: scale must be positive and finite");
  require(!input.query.empty() && (input.query.f32() != nullptr) == (input.key.f32() != nullptr),
          "repeat scores: query and key are required, of the same type");
  for (const TokenRange& range : ranges) {
    require(range.begin <= range.end && range.end <= shape.tokens, "repeat scores: a range must lie in the tokens");
  }
}

float log2Scale(const PrefillShape& shape) {
  return static_cast<float>(static_cast<double>(shape.scale) * std::numbers::log2e);
}

double workOf(const PrefillShape& shape, std::size_t keys) {
  return 2 * static_cast<double>(shape.query_heads * shape.head_dim * shape.queries) * static_cast<double>(keys);
}

// Rows [begin, end) of query head `head` against packed keys [key_begin, key_end).
ScoreBlock blockOf(const PrefillShape& shape, const RepeatInput& input, std::size_t head, TokenRange rows,
                   PackedKeys& packed, TokenRange keys) {
  const std::size_t first = shape.tokens - shape.queries;
  ScoreBlock block;
  block.query = input.query.from((head * shape.queries + rows.begin) * shape.head_dim);
  block.query_begin = first + rows.begin;
  block.packed = &packed;
  block.key_begin = keys.begin;
  block.key_end = keys.end;
  block.tokens = first + rows.end;
  block.head_dim = shape.head_dim;
  block.sliding_window = shape.sliding_window;
  block.log2_scale = log2Scale(shape);
  return block;
}

// Calls visit(keys) for pieces of `range` of at most kTaskKeys.
template <class Visit>
void forPieces(TokenRange range, const Visit& visit) {
  for (std::size_t key = range.begin; key < range.end; key += kTaskKeys) {
    visit(TokenRange{key, std::min(key + kTaskKeys, range.end)});
  }
}

// The log-sum-exp of the rows of one task, for every query head of a KV head.
void normaliseRows(const PrefillShape& shape, const RepeatInput& input, std::span<const TokenRange> ranges,
                   std::size_t kv_head, TokenRange rows, float* lse) {
  const std::size_t group = shape.query_heads / shape.kv_heads, count = rows.end - rows.begin;
  std::vector<float> top(group * count, std::numeric_limits<float>::lowest()), sum(group * count);
  PackedKeys packed(kTaskKeys, shape.head_dim);
  const FloatArray key = input.key.from(kv_head * shape.tokens * shape.head_dim);
  const auto add = [&](TokenRange keys) {
    packed.pack(key, keys.begin, keys.end);
    for (std::size_t i = 0; i < group; ++i) {
      addNormaliserBlock({blockOf(shape, input, kv_head * group + i, rows, packed, keys), top.data() + i * count,
                          sum.data() + i * count});
    }
  };
  for (const TokenRange& range : ranges) {
    forPieces({range.begin, std::min(range.end, shape.tokens - shape.queries + rows.end)}, add);
  }
  for (std::size_t i = 0; i < group; ++i) {
    for (std::size_t row = 0; row < count; ++row) {
      const std::size_t at = i * count + row;
      lse[(kv_head * group + i) * shape.queries + rows.begin + row] = static_cast<float>(
          static_cast<double>(top[at]) * static_cast<double>(shape.scale) + std::log(static_cast<double>(sum[at])));
    }
  }
}

}  // namespace

void logSumExpOver(const PrefillShape& shape, const RepeatInput& input, std::span<const TokenRange> ranges, float* lse,
                   unsigned threads) {
  check(shape, input, ranges);
  const std::size_t blocks = divideUp(shape.queries, kTaskRows);
  parallelFor(blocks * shape.kv_heads, threadsFor(workOf(shape, shape.tokens), threads),
              [&](std::size_t task, unsigned) {
                const std::size_t begin = (blocks - 1 - task / shape.kv_heads) * kTaskRows;  // the longest first
                normaliseRows(shape, input, ranges, task % shape.kv_heads,
                              {begin, std::min(begin + kTaskRows, shape.queries)}, lse);
              });
}

void largestProbabilities(const PrefillShape& shape, const RepeatInput& input, const float* lse, TokenRange keys,
                          float* most, unsigned threads) {
  check(shape, input, {&keys, 1});
  require(keys.end <= shape.tokens - shape.queries, "repeat scores: the keys must precede the queries");
  const std::size_t rows = shape.query_heads * shape.queries, count = keys.end - keys.begin;
  std::vector<float> log2_lse(rows);
  std::transform(lse, lse + rows, log2_lse.begin(),
                 [](float x) { return static_cast<float>(static_cast<double>(x) * std::numbers::log2e); });
  const std::size_t blocks = divideUp(count, kTaskKeys), group = shape.query_heads / shape.kv_heads;
  parallelFor(blocks * shape.kv_heads, threadsFor(workOf(shape, count), threads), [&](std::size_t task, unsigned) {
    const std::size_t kv_head = task / blocks, begin = keys.begin + task % blocks * kTaskKeys;
    const TokenRange piece{begin, std::min(begin + kTaskKeys, keys.end)};
    PackedKeys packed(kTaskKeys, shape.head_dim);
    packed.pack(input.key.from(kv_head * shape.tokens * shape.head_dim), piece.begin, piece.end);
    const auto found = hwy::AllocateAligned<float>(kTaskKeys);
    std::fill_n(found.get(), kTaskKeys, -std::numeric_limits<float>::infinity());
    for (std::size_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      addMaximumBlock({blockOf(shape, input, head, {0, shape.queries}, packed, piece),
                       log2_lse.data() + head * shape.queries, found.get()});
    }
    std::transform(found.get(), found.get() + (piece.end - piece.begin), most + kv_head * count + (begin - keys.begin),
                   [](float y) { return std::exp2(y); });
  });
}

}  // namespace kvatlas::kernels
