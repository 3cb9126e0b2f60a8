#include "kernels/cuda/tensor_tile.h"

#include <gtest/gtest.h>

#include <bit>
#include <set>
#include <vector>

#include "kernels/cuda/decode_parts.h"

namespace kvatlas::kernels {
namespace {

TEST(TensorTile, swizzleIsAPermutationFreeOfBankConflicts) {
  std::set<int> seen;
  for (int row = 0; row < 64; ++row) {
    for (int chunk = 0; chunk < 8; ++chunk) {
      const int at = swizzledChunk(row, chunk);
      EXPECT_TRUE(seen.insert(at).second);
      EXPECT_EQ(at / kPanelRowBytes, row);
      // As in the copy engine: address bits 4–6 XOR bits 7–9.
      const int plain = row * 128 + chunk * 16;
      EXPECT_EQ(at, plain ^ ((plain >> 7 & 7) << 4));
    }
  }
  // ldmatrix reads one chunk of eight neighbouring rows: eight different groups of four banks.
  for (int chunk = 0; chunk < 8; ++chunk) {
    std::set<int> banks;
    for (int row = 8; row < 16; ++row) banks.insert(swizzledChunk(row, chunk) % 128);
    EXPECT_EQ(banks.size(), 8U);
  }
}

TEST(TensorTile, operandsHoldEveryElementOnce) {
  for (const int d : {64, 80, 96, 128, 256}) {
    std::set<int> seen;
    for (int row = 0; row < 128; ++row)
      for (int k = 0; k < d; ++k) {
        const int at = operandOffset(128, row, k);
        EXPECT_TRUE(seen.insert(at).second);
        EXPECT_LT(at, operandBytes(128, d));
        EXPECT_EQ(at % 2, 0);
      }
    // A depth step starts at its first element of row 0.
    for (int step = 0; step < d / 16; ++step) EXPECT_EQ(depthStepOffset(128, step), operandOffset(128, 0, step * 16));
  }
}

// PTX ISA, "Matrix descriptor": start address 0–13, leading offset 16–29, stride offset 32–45, base offset 49–51,
// swizzle 62–63 (1: 128 bytes).
TEST(TensorTile, descriptorHasTheDocumentedFields) {
  const std::uint64_t descriptor = matrixDescriptor(0x2A440);
  EXPECT_EQ(descriptor & 0x3FFF, 0x2A440U >> 4);
  EXPECT_EQ(descriptor >> 32 & 0x3FFF, 1024U >> 4);
  EXPECT_EQ(descriptor >> 49 & 7, 0U);
  EXPECT_EQ(descriptor >> 62, 1U);
  EXPECT_EQ(matrixDescriptor(0x7A440) & 0x3FFF, 0x3A440U >> 4) << "18 bits of the address";
}

TEST(TensorTile, accumulatorsCoverTheWarpsTile) {
  std::set<std::pair<int, int>> seen;
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 64; ++i) EXPECT_TRUE(seen.insert({accumulatorRow(lane, i), accumulatorKey(lane, i)}).second);
  EXPECT_EQ(seen.size(), 16U * 128);
  EXPECT_EQ(seen.rbegin()->first, 15);
  EXPECT_EQ(seen.rbegin()->second, 127);
}

TEST(TensorTile, everyColumnIsKeptByOneLane) {
  std::set<int> seen;
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(seen.insert(keptColumn(lane, i)).second);
  EXPECT_EQ(seen.size(), 128U);
  EXPECT_EQ(*seen.rbegin(), 127);
}

TEST(TensorTile, stripesTakeEveryBlockOnceAndEvenly) {
  for (const std::size_t blocks : {1, 2, 15, 16, 17, 33, 512}) {
    for (const std::size_t heads : {1, 8, 32, 64, 1000}) {
      const std::size_t stripes = planPasses(heads, blocks, 4096, 0).stripes;
      ASSERT_GE(stripes, 1U);
      ASSERT_LE(stripes, blocks);
      std::set<std::size_t> seen;
      std::size_t least = ~std::size_t{0}, most = 0;
      for (std::size_t stripe = 0; stripe < stripes; ++stripe) {
        std::size_t work = 0;
        for (std::size_t visit = 0;; ++visit) {
          const std::size_t block = stripeBlock(blocks, stripes, stripe, visit);
          if (block >= blocks) break;
          EXPECT_TRUE(seen.insert(block).second);
          work += block + 1;  // causal: pairs grow with the block
        }
        least = std::min(least, work);
        most = std::max(most, work);
      }
      EXPECT_EQ(seen.size(), blocks);
      EXPECT_LE(most - least, blocks) << "within one longest block";
    }
  }
}

// Thread blocks start in order, each where one has ended: the share of time in which all multiprocessors work.
double busyShare(std::size_t heads, std::size_t tokens, std::size_t map_size) {
  const std::size_t cell = std::bit_ceil((tokens + map_size - 1) / map_size);
  const TensorWorkspace w = tensorWorkspace(heads, tokens, cell, 128);
  double work = 0, time = 0;
  for (std::size_t first = 0; first < heads; first += w.pass_heads) {
    std::multiset<double> free_at;
    for (int i = 0; i < 132; ++i) free_at.insert(0);
    for (std::size_t block = 0; block < std::min(w.pass_heads, heads - first) * w.stripes; ++block) {
      double length = 0;
      for (std::size_t visit = 0;; ++visit) {
        const std::size_t number = stripeBlock(w.blocks, w.stripes, block % w.stripes, visit);
        if (number >= w.blocks) break;
        length += static_cast<double>(number) + 1;
      }
      work += length;
      free_at.insert(*free_at.begin() + length);
      free_at.erase(free_at.begin());
    }
    time += *free_at.rbegin();
  }
  return work / (132 * time);
}

TEST(TensorTile, passesLeaveFewMultiprocessorsIdle) {
  for (const std::size_t heads : {16, 24, 28, 32, 40, 48, 64}) {
    for (std::size_t tokens = 8192; tokens <= 131072; tokens *= 2) {
      EXPECT_GE(busyShare(heads, tokens, 512), 0.85) << heads << " heads, " << tokens << " tokens";
      EXPECT_GE(busyShare(heads, tokens, 1024), 0.85) << heads << " heads, " << tokens << " tokens";
    }
  }
  EXPECT_GE(busyShare(32, 131072, 512), 0.96);
}

TEST(TensorTile, keySpansEqualTheVisibleKeys) {
  const std::size_t tokens = 300;
  for (const std::size_t window : {0, 1, 100, 128, 290}) {
    for (std::size_t query = 0; query < 400; ++query) {
      for (std::size_t tile = 0; tile < 3; ++tile) {
        const KeySpan span = visibleKeys(query, tile, tokens, window);
        for (int key = 0; key < kKeyTile; ++key) {
          ASSERT_EQ(key >= span.begin && key < span.end,
                    isVisible(query, tile * kKeyTile + static_cast<std::size_t>(key), tokens, window))
              << query << " " << tile << " " << key << " " << window;
        }
      }
    }
  }
}

TEST(TensorTile, fullyVisibleTilesNeedNoMask) {
  const std::size_t tokens = 700;
  for (const std::size_t window : {0, 200, 400}) {
    for (std::size_t first = 0; first < tokens; first += 64) {
      const TokenRange tiles = keyTilesOfRows(first, 128, tokens, window);
      for (std::size_t tile = 0; tile < 6; ++tile) {
        bool all = true, any = false;
        for (std::size_t q = first; q < first + 128; ++q)
          for (std::size_t k = tile * kKeyTile; k < (tile + 1) * kKeyTile; ++k) {
            const bool visible = isVisible(q, k, tokens, window);
            all = all && visible;
            any = any || visible;
          }
        EXPECT_EQ(tileWhollyVisible(first, 128, tile, tokens, window), all);
        EXPECT_TRUE(!any || (tile >= tiles.begin && tile < tiles.end));
      }
    }
  }
}

// A ring as the kernel runs it, as a sequential game over every interleaving of three players: the producer never
// overwrites a stage that a consumer has not read, no consumer reads data before it arrives, and no player blocks
// forever.
class Ring {
 public:
  explicit Ring(int stages) : full(stages), free_(stages), content(stages, -1) {}
  struct Barrier {
    int missing, arrivals;
    unsigned phase = 0;
    void arrive() {
      if (--missing == 0) {
        ++phase;
        missing = arrivals;
      }
    }
    [[nodiscard]] bool passes(unsigned parity) const { return phase % 2 != parity; }
  };
  std::vector<Barrier> full, free_;
  std::vector<int> content;
};

TEST(TensorTile, ringAndTurnsNeverDeadlockOrOverwrite) {
  for (const int stages : {2, 4, 6}) {
    for (unsigned seed = 1; seed < 200; ++seed) {
      Ring ring(stages);
      for (auto& b : ring.full) b = {1, 1};
      for (auto& b : ring.free_) b = {2, 2};
      Ring::Barrier turn[2] = {{1, 1}, {1, 1}};
      const std::uint32_t tiles = 23;
      std::uint32_t produced = 0, read[2] = {0, 0}, begun[2] = {0, 0};
      unsigned random = seed;
      for (int steps = 0; read[0] < tiles || read[1] < tiles; ++steps) {
        ASSERT_LT(steps, 100000) << "stuck";
        random = random * 1664525U + 1013904223U;
        const unsigned player = (random >> 24) % 5;
        if (player == 0 && produced < tiles) {
          const RingSlot slot = ringSlot(produced, stages);
          if (ring.free_[slot.stage].passes(freePhase(slot.phase))) {
            ring.content[slot.stage] = static_cast<int>(produced++);
            ring.full[slot.stage].arrive();
          }
        } else if (player == 1 || player == 2) {  // a group starts its product
          const int group = static_cast<int>(player) - 1;
          const std::uint32_t n = begun[group];
          if (n == tiles || n > read[group]) continue;
          const RingSlot slot = ringSlot(n, stages);
          if (ring.full[slot.stage].passes(slot.phase) && turn[group].passes(turnPhase(group, n))) {
            ++begun[group];
            turn[1 - group].arrive();
            EXPECT_LE(begun[0], begun[1] + 1);
            EXPECT_LE(begun[1], begun[0]);
          }
        } else if (player > 2) {  // and finishes it
          const int group = static_cast<int>(player) - 3;
          if (begun[group] == read[group]) continue;
          const RingSlot slot = ringSlot(read[group], stages);
          ASSERT_EQ(ring.content[slot.stage], static_cast<int>(read[group]));
          ++read[group];
          ring.free_[slot.stage].arrive();
        }
      }
    }
  }
}

TEST(TensorTile, workspaceIsBoundedForEveryLength) {
  for (const std::size_t tokens : {std::size_t{1}, std::size_t{2048}, std::size_t{131072}, std::size_t{1} << 20}) {
    for (const std::size_t rows : {64, 128}) {
      for (const std::size_t cell : {0, 16, 256, 2048}) {
        const TensorWorkspace w = tensorWorkspace(32, tokens, cell, rows);
        EXPECT_GE(w.columns, 32 * tokens * 4);
        EXPECT_GE(w.base_sum - w.columns, w.pass_heads * w.stripes * kGroups * tokens * 4);
        if (w.base < cell) {
          EXPECT_GE(w.base_max - w.base_sum, w.pass_heads * w.base_cells * w.base_cells * 4);
        }
        EXPECT_GE(w.failed, w.base_max);
        EXPECT_GE(w.pass_heads, 1U);
        if (tokens <= 131072) {
          EXPECT_LE(w.bytes, kMostPassBytes + 32 * tokens * 4 + 65536) << tokens << " " << rows << " " << cell;
        }
        if (w.base > 0) {
          EXPECT_EQ(cell % w.base, 0U);
        }
      }
    }
  }
}

TEST(TensorTile, decodePartsDoNotOverlap) {
  const DecodeParts parts{4, 128, 3};
  std::set<std::size_t> seen;
  for (std::size_t segment = 0; segment < 2; ++segment)
    for (std::size_t part = 0; part < 3; ++part)
      for (std::size_t row = 0; row < 4; ++row) {
        const std::size_t at = parts.offset(segment, part, row);
        EXPECT_EQ(at % 130, 0U);
        EXPECT_TRUE(seen.insert(at).second);
        EXPECT_LE(at + 130, parts.offset(2, 0, 0));
      }
}

}  // namespace
}  // namespace kvatlas::kernels
