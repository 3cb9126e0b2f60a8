// Traces that hold some query heads, or queries and keys of some layers, only; and disks too small for a trace.
#include <hdf5.h>

#include <cmath>

#include "core/base/error.h"
#include "core/trace/reader.h"
#include "core/trace/schema.h"
#include "core/trace/space.h"
#include "core/trace/writer.h"
#include "tests/core/trace/trace_fixture.h"

namespace kvatlas::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using trace::Reader;
using trace::Reduction;
using trace::Signal;

class Heads : public TraceTest {
 protected:
  Heads() {
    SampleTraceOptions options = tinyOptions();
    options.tokens = 200;
    options.query_heads = 6;
    options.kv_heads = 3;
    m_sample = makeSampleTrace(options);
    m_sample.header.attention.heads = {HeadIndex(1), HeadIndex(4)};
  }
  SampleTrace m_sample;
};

TEST_F(Heads, TheOthersAreNotCapturedWhichIsNotZero) {
  writeSampleTrace(file(), m_sample);
  const Reader reader(file());
  const LayerIndex layer(1);
  EXPECT_EQ(reader.header().attention.heads, m_sample.header.attention.heads);
  for (std::uint32_t h = 0; h < 6; ++h) {
    const HeadIndex head(h);
    const bool there = h == 1 || h == 4;
    EXPECT_EQ(reader.hasHead(head), there);
    for (const Signal signal : {Signal::Lse, Signal::Entropy, Signal::Received, Signal::WindowSum})
      EXPECT_EQ(reader.signalOfHead(layer, signal, head).has_value(), there);
    EXPECT_EQ(reader.windowRows(layer, head).has_value(), there);
    EXPECT_EQ(reader.map(layer, head, Reduction::Max, 0).has_value(), there);
    EXPECT_EQ(reader.mapTile(layer, head, Reduction::Mean, 0, 0, 0, 3, 3).has_value(), there);
    EXPECT_EQ(reader.queryBits(layer, head).has_value(), there);
  }
  // Heads 1 and 4 read KV heads 0 and 2.
  EXPECT_TRUE(reader.keyBits(layer, KvHeadIndex(0)).has_value());
  EXPECT_FALSE(reader.keyBits(layer, KvHeadIndex(1)).has_value());
  EXPECT_EQ(reader.signal(layer, Signal::KeyNorm), m_sample.layers[1].values[Signal::KeyNorm]);
  EXPECT_FALSE(reader.hasHead(HeadIndex(6)));
}

TEST_F(Heads, WhatIsRecordedIsWhatWasWritten) {
  writeSampleTrace(file(), m_sample);
  const Reader reader(file());
  const auto received = reader.signal(LayerIndex(0), Signal::Received).value();
  for (std::size_t head = 0; head < 6; ++head) {
    for (std::size_t j = 0; j < 200; ++j) {
      const float value = received[head * 200 + j];
      if (head == 1 || head == 4) {
        ASSERT_EQ(value, m_sample.layers[0].values[Signal::Received][head * 200 + j]);
      } else {
        ASSERT_TRUE(std::isnan(value)) << "head " << head;
      }
    }
  }
  for (const trace::Finding& finding : trace::validate(file())) ADD_FAILURE() << finding.member << finding.problem;
}

TEST_F(Heads, TheFileIsSmallerAsTheEstimateSays) {
  writeSampleTrace(file("some"), m_sample);
  const std::uint64_t some = trace::expectedFileBytes(m_sample.header, 2);
  m_sample.header.attention.heads.clear();
  writeSampleTrace(file("all"), m_sample);
  const std::uint64_t all = trace::expectedFileBytes(m_sample.header, 2);
  const double written = double(std::filesystem::file_size(file("some")));
  // Four of six heads and one of three KV heads are left out of both layers: four signals, W rows and bf16 queries
  // and keys of 200 tokens each, at least.
  const double tokens = 200, window = m_sample.header.attention.window, dim = m_sample.header.model.head_dim;
  const double left_out = 2 * (4 * (4 * tokens * 4 + window * tokens * 2 + tokens * dim * 2) + tokens * dim * 2);
  EXPECT_LT(written, double(std::filesystem::file_size(file("all"))) - left_out);
  EXPECT_LT(double(some), double(all) - left_out);
  EXPECT_GE(double(some), written);
  EXPECT_LT(double(some), 1.3 * written);
}

TEST_F(Heads, AMissingRowOfARecordedHeadIsDamage) {
  writeSampleTrace(file(), m_sample);
  // The attribute claims a third head whose rows are not there.
  const hid_t h5 = H5Fopen(file().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  H5Adelete_by_name(h5, "attention", "heads", H5P_DEFAULT);
  const hsize_t three = 3;
  const std::uint32_t heads[] = {1, 2, 4};
  const hid_t space = H5Screate_simple(1, &three, nullptr);
  const hid_t attribute =
      H5Acreate_by_name(h5, "attention", "heads", H5T_STD_U32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, H5T_NATIVE_UINT32, heads);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Fclose(h5);
  const Reader reader(file());
  EXPECT_THAT(messageOf([&] { static_cast<void>(reader.signalOfHead(LayerIndex(0), Signal::Lse, HeadIndex(2))); }),
              HasSubstr("its data is missing"));
}

TEST_F(Heads, HeadsThatCannotBeAreRefused) {
  for (const auto& heads :
       {std::vector{HeadIndex(6)}, std::vector{HeadIndex(2), HeadIndex(1)}, std::vector{HeadIndex(2), HeadIndex(2)}}) {
    m_sample.header.attention.heads = heads;
    EXPECT_THAT(messageOf([&] { trace::Writer writer(file(), m_sample.header); }), HasSubstr("heads"));
  }
}

TEST_F(Heads, QueriesAndKeysOfOneLayer) {
  m_sample.header.attention.heads.clear();
  m_sample.header.attention.qk_layers = {LayerIndex(1)};
  writeSampleTrace(file(), m_sample);
  const Reader reader(file());
  EXPECT_EQ(reader.header().attention.qk_layers, m_sample.header.attention.qk_layers);
  EXPECT_FALSE(reader.queryBits(LayerIndex(0), HeadIndex(0)).has_value());
  EXPECT_FALSE(reader.holds(LayerIndex(0), "key"));
  EXPECT_TRUE(reader.queryBits(LayerIndex(1), HeadIndex(0)).has_value());
  m_sample.header.attention.qk_layers = {LayerIndex(0), LayerIndex(1)};
  m_sample.header.attention.layers = {LayerIndex(1)};
  EXPECT_THAT(messageOf([&] { trace::Writer writer(file(), m_sample.header); }), HasSubstr("recorded layers only"));
}

TEST(Space, TooLittleIsSaidWithWhatHelps) {
  EXPECT_NO_THROW(trace::requireSpace("/a/b.h5", 1000, 1000, "--x"));
  EXPECT_NO_THROW(trace::requireSpace("/a/b.h5", 1000, std::nullopt, "--x"));
  EXPECT_THAT(messageOf([] { trace::requireSpace("/a/b.h5", 5'793'000'000, 12'000'000, "--layers"); }),
              AllOf(HasSubstr("/a/b.h5"), HasSubstr("5.8 GB"), HasSubstr("12 MB"), HasSubstr("--layers")));
}

TEST(Space, IsThatOfTheFolder) {
  const ScratchFolder folder;
  EXPECT_GT(trace::freeBytesFor(folder / "a").value(), 0U);
  EXPECT_FALSE(trace::freeBytesFor(folder.path() / "missing" / "a").has_value());
}

}  // namespace
}  // namespace kvatlas::test
