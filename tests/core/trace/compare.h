// Every recorded layer and run of a trace against the records it was written from.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "core/trace/reader.h"
#include "kernels/log2_codec.h"
#include "tests/support/sample_trace.h"

namespace kvatlas::test {

inline std::vector<std::uint16_t> slab(const std::vector<std::uint16_t>& all, std::size_t head, std::size_t size) {
  return {all.begin() + static_cast<std::ptrdiff_t>(head * size),
          all.begin() + static_cast<std::ptrdiff_t>((head + 1) * size)};
}

inline std::vector<float> decoded(const std::vector<std::uint16_t>& codes) {
  std::vector<float> values(codes.size());
  kernels::decodeLog2(codes.data(), values.data(), codes.size());
  return values;
}

inline void expectMaps(const trace::Reader& reader, const trace::LayerRecord& layer, HeadIndex head) {
  const auto& cells = reader.header().attention.cells;
  for (std::size_t level = 0; level < cells.size(); ++level) {
    const std::size_t side = (reader.tokens() + cells[level] - 1) / cells[level];
    EXPECT_EQ(*reader.map(layer.layer, head, trace::Reduction::Mean, level),
              decoded(slab(layer.map_mean[level], head.value, side * side)));
    EXPECT_EQ(*reader.mapTile(layer.layer, head, trace::Reduction::Max, level, 0, 0, side, side),
              slab(layer.map_max[level], head.value, side * side));
  }
}

inline void expectLayer(const trace::Reader& reader, const trace::LayerRecord& layer) {
  using trace::Signal;
  const auto& model = reader.header().model;
  const std::size_t tokens = reader.tokens(), window = reader.header().attention.window;
  ASSERT_TRUE(reader.hasLayer(layer.layer));
  EXPECT_EQ(*reader.signal(layer.layer, Signal::Lse), layer.values[Signal::Lse]);
  EXPECT_EQ(*reader.signal(layer.layer, Signal::Entropy), layer.values[Signal::Entropy]);
  EXPECT_EQ(*reader.signal(layer.layer, Signal::Received), layer.values[Signal::Received]);
  EXPECT_EQ(*reader.signal(layer.layer, Signal::WindowSum), layer.values[Signal::WindowSum]);
  EXPECT_EQ(*reader.signal(layer.layer, Signal::KeyNorm), layer.values[Signal::KeyNorm]);
  EXPECT_EQ(*reader.signal(layer.layer, Signal::ValueNorm), layer.values[Signal::ValueNorm]);
  for (std::uint32_t head = 0; head < model.query_heads; ++head) {
    EXPECT_EQ(*reader.windowRows(layer.layer, HeadIndex(head)),
              decoded(slab(layer.codes[Signal::WindowRows], head, window * tokens)));
    EXPECT_EQ(*reader.queryBits(layer.layer, HeadIndex(head)), slab(layer.query, head, tokens * model.head_dim));
    expectMaps(reader, layer, HeadIndex(head));
  }
  for (std::uint32_t head = 0; head < model.kv_heads; ++head) {
    EXPECT_EQ(*reader.keyBits(layer.layer, KvHeadIndex(head)), slab(layer.key, head, tokens * model.head_dim));
  }
}

inline void expectAttended(const trace::Reader& reader, std::size_t index, const trace::RunRecord& expected) {
  const auto& model = reader.header().model;
  const std::size_t keys = reader.header().runs[index].attended, row = keys * model.query_heads;
  for (std::uint32_t layer = 0; layer < model.layers; ++layer) {
    const auto all = reader.attended(index, LayerIndex(layer));
    ASSERT_EQ(all.has_value(), keys > 0);
    if (!all) return;
    ASSERT_EQ(all->steps(), expected.decode_ids.size());
    std::vector<TokenIndex> positions;
    std::vector<float> mass;
    for (std::size_t step = 0; step < all->steps(); ++step) {
      const auto from = static_cast<std::ptrdiff_t>((step * model.layers + layer) * row);
      positions.insert(positions.end(), expected.attended.begin() + from,
                       expected.attended.begin() + from + static_cast<std::ptrdiff_t>(row));
      mass.insert(mass.end(), expected.attended_mass.begin() + from,
                  expected.attended_mass.begin() + from + static_cast<std::ptrdiff_t>(row));
    }
    EXPECT_EQ(all->positions, positions);
    EXPECT_EQ(all->mass, mass);
  }
}

inline void expectRun(const trace::Reader& reader, std::size_t index, const trace::RunRecord& expected) {
  const auto run = reader.run(index);
  ASSERT_TRUE(run.has_value()) << "run " << index;
  EXPECT_EQ(run->budget_realised, expected.budget_realised);
  EXPECT_EQ(run->cache_bytes, expected.cache_bytes);
  EXPECT_EQ(run->seconds, expected.seconds);
  EXPECT_EQ(run->capacity, expected.capacity);
  EXPECT_EQ(run->kept_offsets, expected.kept_offsets);
  for (std::size_t row = 0; row < run->capacity.size(); ++row)
    EXPECT_TRUE(std::ranges::equal(run->kept(row), expected.kept(row))) << "list " << row;
  EXPECT_EQ(run->decode_ids, expected.decode_ids);
  EXPECT_EQ(run->decode_text, expected.decode_text);
  EXPECT_EQ(run->decode_offsets, expected.decode_offsets);
  EXPECT_TRUE(run->attended.empty()) << "is read by layer";
  expectAttended(reader, index, expected);
  EXPECT_EQ(run->kl, expected.kl);
  EXPECT_EQ(run->retained, expected.retained);
  EXPECT_EQ(run->oracle, expected.oracle);
  ASSERT_EQ(run->evicted.size(), expected.evicted.size());
  for (std::size_t i = 0; i < expected.evicted.size(); ++i) {
    EXPECT_EQ(run->evicted[i].step, expected.evicted[i].step);
    EXPECT_EQ(run->evicted[i].layer, expected.evicted[i].layer);
    EXPECT_EQ(run->evicted[i].head, expected.evicted[i].head);
    EXPECT_EQ(run->evicted[i].position, expected.evicted[i].position);
  }
}

}  // namespace kvatlas::test
