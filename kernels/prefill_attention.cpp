#include "kernels/prefill_attention.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <stdexcept>
#include <vector>

#include "kernels/blocks/prefill_block.h"
#include "kernels/parallel.h"

namespace kvatlas::kernels {

namespace {

// A block's keys and values stay in the L2 cache while the rows of a task pass over them.
constexpr std::size_t kBlockFloats = 32768;
// Query rows of all heads of a group per task: each pass over a block's keys and values serves them all.
constexpr std::size_t kTaskRows = 192;

void require(bool condition, const char* message) {
  if (!condition) {
    throw std::invalid_argument(message);
  }
}

void check(const PrefillShape& shape, const PrefillInput& input, const PrefillOutput& output) {
  require(shape.query_heads > 0 && shape.kv_heads > 0, "prefill attention: head counts must be positive");
  require(shape.query_heads % shape.kv_heads == 0, "prefill attention: query_heads must be a multiple of kv_heads");
  require(shape.tokens > 0 && shape.head_dim > 0, "prefill attention: tokens and head_dim must be positive");
  require(shape.queries > 0 && shape.queries <= shape.tokens, "prefill attention: queries must be 1 to tokens");
  require(std::isfinite(shape.scale) && shape.scale > 0, "prefill attention: scale must be positive and finite");
  require(!input.query.empty() && !input.key.empty() && !input.value.empty(),
          "prefill attention: query, key and value are required");
  const bool floats = input.query.f32() != nullptr;
  require(floats == (input.key.f32() != nullptr) && floats == (input.value.f32() != nullptr),
          "prefill attention: query, key and value must have the same type");
  require((output.f32 == nullptr) != (output.bf16 == nullptr), "prefill attention: one output type is required");
}

// Floating-point operations, a sliding window aside.
double workOf(const PrefillShape& shape) {
  const auto queries = static_cast<double>(shape.queries);
  const double pairs = queries * (static_cast<double>(shape.tokens) - queries / 2);
  return 4 * pairs * static_cast<double>(shape.query_heads * shape.head_dim);
}

struct PackedHead {
  std::unique_ptr<PackedKeys> keys;
  PackedValues values;
};

class Prefill {
 public:
  Prefill(const PrefillShape& shape, const PrefillInput& input, const PrefillOutput& output, unsigned threads,
          const std::function<void()>& between)
      : m_shape(shape),
        m_input(input),
        m_output(output),
        m_threads(threadsFor(workOf(shape), threads)),
        m_between(between),
        m_group(shape.query_heads / shape.kv_heads),
        m_first(shape.tokens - shape.queries),
        m_block_keys(std::clamp(std::bit_floor(kBlockFloats / shape.head_dim), kPanelKeys, kMostBlockKeys)),
        m_rows((kTaskRows / m_group / kStripRows + 1) * kStripRows),
        m_log2_scale(static_cast<float>(static_cast<double>(shape.scale) * std::numbers::log2e)) {}

  void run() {
    if (m_between) {
      m_between();
    }
    m_heads.resize(m_shape.kv_heads);
    parallelFor(m_shape.kv_heads, m_threads, [&](std::size_t head, unsigned) { pack(head); });
    // The last rows see the most keys: long tasks start first.
    const std::size_t blocks = (m_shape.queries + m_rows - 1) / m_rows;
    parallelFor(blocks * m_shape.kv_heads, m_threads, [&](std::size_t task, unsigned worker) {
      if (worker == 0 && m_between) {
        m_between();
      }
      const std::size_t first = (blocks - 1 - task / m_shape.kv_heads) * m_rows;
      attend(task % m_shape.kv_heads, first, std::min(first + m_rows, m_shape.queries));
    });
  }

 private:
  // Rows of one query head so far.
  struct Rows {
    Rows(std::size_t count, std::size_t columns)
        : top(count, std::numeric_limits<float>::lowest()), sum(count), output(count * columns) {}
    std::vector<float> top, sum, output;
  };

  void pack(std::size_t head) {
    const std::size_t matrix = m_shape.tokens * m_shape.head_dim;
    PackedHead& packed = m_heads[head];
    packed.keys = std::make_unique<PackedKeys>(m_shape.tokens, m_shape.head_dim);
    packed.keys->pack(m_input.key.from(head * matrix), 0, m_shape.tokens);
    packed.values.pack(m_input.value.from(head * matrix), m_shape.tokens, m_shape.head_dim, packed.keys->holdsPairs());
  }

  // Query rows [begin, end) of every head that reads kv_head.
  void attend(std::size_t kv_head, std::size_t begin, std::size_t end) const {
    const PackedHead& packed = m_heads[kv_head];
    std::vector<Rows> heads(m_group, Rows(end - begin, packed.values.columns()));
    StripBuffer strip;
    PrefillBlock block;
    block.packed = packed.keys.get();
    block.values = &packed.values;
    block.strip = &strip;
    block.tokens = m_shape.tokens;
    block.head_dim = m_shape.head_dim;
    block.sliding_window = m_shape.sliding_window;
    block.log2_scale = m_log2_scale;
    block.query_begin = m_first;
    block.row_begin = m_first + begin;
    block.row_end = m_first + end;
    const std::size_t last_key = block.row_end;
    std::size_t key = firstVisibleKey(block.row_begin, m_shape.sliding_window) / m_block_keys * m_block_keys;
    for (; key < last_key; key += m_block_keys) {
      block.block_begin = key;
      block.key_end = std::min(key + m_block_keys, m_shape.tokens);
      for (std::size_t i = 0; i < m_group; ++i) {
        block.query = m_input.query.from((kv_head * m_group + i) * m_shape.queries * m_shape.head_dim);
        block.top = heads[i].top.data();
        block.sum = heads[i].sum.data();
        block.output = heads[i].output.data();
        addPrefillBlock(block);
      }
    }
    for (std::size_t i = 0; i < m_group; ++i) {
      finish(kv_head * m_group + i, begin, heads[i], packed.values.columns());
    }
  }

  void finish(std::size_t head, std::size_t begin, const Rows& rows, std::size_t columns) const {
    for (std::size_t i = 0; i < rows.sum.size(); ++i) {
      const float share = 1.0F / rows.sum[i];
      const std::size_t at = ((begin + i) * m_shape.query_heads + head) * m_shape.head_dim;
      const float* const from = rows.output.data() + i * columns;
      if (m_output.f32 != nullptr) {
        std::transform(from, from + m_shape.head_dim, m_output.f32 + at, [&](float x) { return x * share; });
      } else {
        std::transform(from, from + m_shape.head_dim, m_output.bf16 + at, [&](float x) { return bf16Bits(x * share); });
      }
      if (m_output.lse != nullptr) {
        const double top = static_cast<double>(rows.top[i]) * static_cast<double>(m_shape.scale);
        m_output.lse[head * m_shape.queries + begin + i] =
            static_cast<float>(top + std::log(static_cast<double>(rows.sum[i])));
      }
    }
  }

  const PrefillShape& m_shape;
  const PrefillInput& m_input;
  const PrefillOutput& m_output;
  const unsigned m_threads;
  const std::function<void()>& m_between;
  const std::size_t m_group;
  const std::size_t m_first;  // position of the first query
  const std::size_t m_block_keys;
  const std::size_t m_rows;  // query rows per task and head
  const float m_log2_scale;
  std::vector<PackedHead> m_heads;
};

}  // namespace

void prefillAttention(const PrefillShape& shape, const PrefillInput& input, const PrefillOutput& output,
                      unsigned threads, const std::function<void()>& between) {
  check(shape, input, output);
  Prefill(shape, input, output, threads, between).run();
}

}  // namespace kvatlas::kernels
