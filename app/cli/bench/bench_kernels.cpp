#include "app/cli/bench/bench_kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "app/cli/bench/child_run.h"
#include "kernels/attention_tile.h"
#include "kernels/log2_codec.h"
#include "kernels/map_pool.h"
#include "kernels/ragged_decode.h"

namespace kvatlas::app {
namespace {

std::vector<float> randomValues(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  std::ranges::generate(values, [&] { return normal(random); });
  return values;
}

// Probabilities over all octaves of the codec, and some exact zeros.
std::vector<float> randomProbabilities(std::size_t count) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> octave(-33.0F, 0.0F);
  std::vector<float> values(count);
  std::ranges::generate(values, [&] {
    const float x = octave(random);
    return x < -32.0F ? 0.0F : std::exp2(x);
  });
  return values;
}

double gigabytes(std::size_t bytes, const Seconds& seconds) {
  return static_cast<double>(bytes) / median(seconds) / 1e9;
}

struct TileData {
  std::size_t head_dim;
  std::vector<float> query, key, lse, cells = std::vector<float>(512 * 512);
  std::vector<std::uint16_t> query_bits, key_bits;

  explicit TileData(std::size_t d)
      : head_dim(d), query(randomValues(512 * d, 1)), key(randomValues(512 * d, 2)), lse(512, 9.0F) {
    const auto truncated = [](float value) {
      return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16U);
    };
    std::ranges::transform(query, std::back_inserter(query_bits), truncated);
    std::ranges::transform(key, std::back_inserter(key_bits), truncated);
  }
  [[nodiscard]] kernels::TileShape shape() const {  // entirely below the diagonal: every cell is computed
    return {{4096, 4608}, {1024, 1536}, head_dim, 0, 1 / std::sqrt(static_cast<float>(head_dim))};
  }
  [[nodiscard]] kernels::TileInput input(bool bf16) const {
    if (bf16) return {query_bits.data(), key_bits.data(), lse.data()};
    return {query.data(), key.data(), lse.data()};
  }
};

// The K/V lists of a batch of branches; `lengths` per branch, the same for each of its heads.
class DecodeBatch {
 public:
  explicit DecodeBatch(const std::vector<std::size_t>& lengths)
      : m_query(randomValues(kRows * kDim, 1)), m_output(lengths.size() * kHeads * kRows * kDim) {
    std::size_t total = 0;
    for (const std::size_t length : lengths) total += length * kHeads * kDim;
    m_key = randomValues(total, 2);
    m_value = randomValues(total, 3);
    std::size_t at = 0, out = 0;
    for (const std::size_t length : lengths) {
      for (std::size_t head = 0; head < kHeads; ++head, at += length * kDim, out += kRows * kDim) {
        m_segments.push_back(
            {m_query.data(), kRows, m_key.data() + at, m_value.data() + at, length, m_output.data() + out, nullptr});
      }
    }
  }
  void step() { kernels::raggedDecodeAttention(m_segments, kDim, 0.0884F, 1); }
  [[nodiscard]] std::size_t bytes() const { return (m_key.size() + m_value.size()) * sizeof(float); }

 private:
  static constexpr std::size_t kHeads = 4, kRows = 4, kDim = 128;
  std::vector<float> m_query, m_key, m_value, m_output;
  std::vector<kernels::DecodeSegment> m_segments;
};

void printTileRow(std::size_t d, bool bf16, const Seconds& kernel, const Seconds& reference) {
  fmt::print("| tile 512×512, d = {}, {} | {:.2f} ms | {:.1f} ms | {:.0f} |\n", d, bf16 ? "bf16" : "f32",
             1e3 * median(kernel), 1e3 * median(reference), medianRatio(reference, kernel));
}

}  // namespace

void benchTile(const BenchArguments& arguments) {
  printMachine(fmt::format("one thread, probabilities; against plain loops in double precision; {} rounds (medians)",
                           arguments.repeat));
  fmt::print("| exact tile | KVAtlas | plain loops | ratio |\n|---|---|---|---|\n");
  for (const std::size_t d : {64, 128}) {
    TileData data(d);
    const auto kernel = [&](bool bf16) {
      (void)kernels::attentionTile(data.shape(), data.input(bf16), kernels::TileValue::kProbability, data.cells.data());
    };
    const auto seconds =
        interleave({[&] { kernel(false); }, [&] { kernel(true); },
                    [&] {
                      (void)kernels::attentionTileReference(data.shape(), data.input(false),
                                                            kernels::TileValue::kProbability, data.cells.data());
                    }},
                   arguments.repeat, Clock::Thread);
    printTileRow(d, false, seconds[0], seconds[2]);
    printTileRow(d, true, seconds[1], seconds[2]);
  }
  printLoad();
}

void benchCodec(const BenchArguments& arguments) {
  constexpr std::size_t kCount = 4U << 20U, kFew = kCount / 16;
  const std::vector<float> values = randomProbabilities(kCount);
  std::vector<std::uint16_t> codes(kCount);
  std::vector<float> decoded(kCount);
  kernels::encodeLog2(values.data(), codes.data(), kCount);
  const auto seconds = interleave({[&] { kernels::encodeLog2(values.data(), codes.data(), kCount); },
                                   [&] { kernels::decodeLog2(codes.data(), decoded.data(), kCount); },
                                   [&] {
                                     for (std::size_t i = 0; i < kFew; ++i)
                                       codes[i] = kernels::encodeLog2(static_cast<double>(values[i]));
                                   },
                                   [&] {
                                     for (std::size_t i = 0; i < kFew; ++i)
                                       decoded[i] = static_cast<float>(kernels::decodeLog2(codes[i]));
                                   }},
                                  arguments.repeat, Clock::Thread);
  const auto rate = [](std::size_t count, const Seconds& s) { return static_cast<double>(count) / median(s) / 1e9; };
  printMachine(
      fmt::format("one thread; against the formula in double precision; {} rounds (medians)", arguments.repeat));
  fmt::print("| log₂ codec | KVAtlas | formula | ratio |\n|---|---|---|---|\n");
  for (const std::size_t way : {0, 1}) {
    const double fast = rate(kCount, seconds[way]), slow = rate(kFew, seconds[way + 2]);
    fmt::print("| {} | {:.2f} G values/s | {:.3f} G values/s | {:.0f} |\n", way == 0 ? "encode" : "decode", fast, slow,
               fast / slow);
  }
  printLoad();
}

void benchDecode(const BenchArguments& arguments) {
  std::vector<std::size_t> lengths;
  for (std::size_t branch = 0; branch < 16; ++branch) lengths.push_back(64U << branch % 6);
  DecodeBatch ragged(lengths), padded(std::vector<std::size_t>(16, 2048));
  const auto seconds = interleave({[&] { ragged.step(); }, [&] { padded.step(); }}, arguments.repeat, Clock::Thread);
  printMachine(
      fmt::format("16 branches of 64 … 2,048 tokens, 4 KV heads × 4 query heads, d = 128, f32, one thread; against the "
                  "same padded to the longest; {} rounds (medians)",
                  arguments.repeat));
  fmt::print("| one decoding step | KVAtlas | padded | ratio |\n|---|---|---|---|\n");
  fmt::print("| ragged attention | {:.2f} ms ({:.1f} GB/s of K and V) | {:.2f} ms ({:.1f} GB/s) | {:.2f} |\n",
             1e3 * median(seconds[0]), gigabytes(ragged.bytes(), seconds[0]), 1e3 * median(seconds[1]),
             gigabytes(padded.bytes(), seconds[1]), medianRatio(seconds[1], seconds[0]));
  printLoad();
}

void benchPool(const BenchArguments& arguments) {
  constexpr std::size_t kCells = 2048;
  const kernels::MapGeometry geometry{kCells * 8, 8, 0};
  const std::vector<float> fine = randomProbabilities(kCells * kCells);
  std::vector<float> coarse(kCells * kCells / 4), copy(fine.size());
  const auto seconds = interleave({[&] { kernels::coarsenMean(geometry, fine.data(), coarse.data()); },
                                   [&] { kernels::coarsenMax(geometry, fine.data(), coarse.data()); },
                                   [&] { std::memcpy(copy.data(), fine.data(), fine.size() * sizeof(float)); }},
                                  arguments.repeat, Clock::Thread);
  printMachine(fmt::format("a {}×{} map, one thread; against copying it; {} rounds (medians)", kCells, kCells,
                           arguments.repeat));
  fmt::print("| next coarser level | KVAtlas | memcpy | ratio |\n|---|---|---|---|\n");
  for (const std::size_t way : {0, 1})
    fmt::print("| {} | {:.2f} ms | {:.2f} ms | {:.2f} |\n", way == 0 ? "mean by visible pairs" : "max",
               1e3 * median(seconds[way]), 1e3 * median(seconds[2]), medianRatio(seconds[2], seconds[way]));
  printLoad();
}

}  // namespace kvatlas::app
