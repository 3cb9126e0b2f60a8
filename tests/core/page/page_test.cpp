// The page's data, decoded here in another way, against the trace.
#include "core/page/page.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "tests/support/sample_trace.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::page {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::vector<std::uint8_t> fromBase64(const std::string& text) {
  std::vector<std::uint8_t> bytes;
  std::uint32_t bits = 0, count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bits = bits << 6U | static_cast<std::uint32_t>(digits.find(c));
    if ((count += 6) >= 8) bytes.push_back(static_cast<std::uint8_t>(bits >> (count -= 8)));
  }
  return bytes;
}

std::string element(const std::string& html, const std::string& id) {
  const std::size_t open = html.find("id=\"" + id + "\"");
  if (open == std::string::npos) return {};
  const std::size_t begin = html.find('>', open) + 1;
  return html.substr(begin, html.find("</script>", begin) - begin);
}

class PageTest : public testing::Test {
 protected:
  trace::Reader sample(const test::SampleTraceOptions& options = {}) {
    test::writeSampleTrace(m_folder / "a.kva.h5", options);
    return trace::Reader(m_folder / "a.kva.h5");
  }
  static std::string html(const Page& page) {
    std::string text;
    page.write([&](std::string_view piece) { text += piece; });
    return text;
  }
  test::ScratchFolder m_folder;
};

TEST_F(PageTest, SizeIsWhatIsWritten) {
  const trace::Reader reader = sample();
  const Page page(reader, {});
  EXPECT_EQ(page.bytes(), html(page).size());
  EXPECT_EQ(page.summary(), "16 maps of 128 × 128 cells, 2 tokens each");
}

TEST_F(PageTest, ItNeedsNoNetworkAndTheDataCannotEndTheirElement) {
  test::SampleTrace trace = test::makeSampleTrace();
  trace.header.prompt.spans.front().name = "</script><b>\xFF";
  test::writeSampleTrace(m_folder / "b.kva.h5", trace);
  const trace::Reader reader(m_folder / "b.kva.h5");
  const std::string text = html(Page(reader, {}));
  // Without matchers: their message would be the whole page.
  for (const char* word : {"http:", "https:", "import(", "fetch(", "@DATA@", "@MAPS@"})
    EXPECT_EQ(text.find(word), std::string::npos) << word;
  EXPECT_NE(text.find("default-src 'none'"), std::string::npos);
  const auto data = nlohmann::json::parse(element(text, "data"));
  EXPECT_EQ(data["spans"][0]["name"], "</script><b>\xEF\xBF\xBD");
}

TEST_F(PageTest, MapsAreThoseOfTheTrace) {
  const trace::Reader reader = sample();
  const std::string text = html(Page(reader, {.level = 1, .reduction = trace::Reduction::Max}));
  const auto map = *reader.map(LayerIndex(2), HeadIndex(3), trace::Reduction::Max, 1);
  const auto bytes = fromBase64(element(text, "map-2-3"));
  ASSERT_THAT(bytes, SizeIs(64 * 65 / 2 + 256));
  for (std::size_t row = 0, at = 0; row < 64; ++row) {
    for (std::size_t column = 0; column <= row; ++column, ++at) {
      const double p = map[row * 64 + column],
                   shown = bytes[at] == 0 ? 0 : std::exp2((bytes[at] - 1) / 254.0 * 28 - 28);
      if (p > 5e-9)
        EXPECT_NEAR(shown / p, 1, 0.04) << row << ", " << column;
      else
        EXPECT_LE(shown, 5e-9);
    }
  }
}

TEST_F(PageTest, KeptRangesAreTheRunsLists) {
  const trace::Reader reader = sample();
  const auto data =
      nlohmann::json::parse(element(html(Page(reader, {.layers = {LayerIndex(3), LayerIndex(1)}})), "data"));
  EXPECT_THAT(data["layers"], ElementsAre(1, 3));
  ASSERT_THAT(data["runs"], SizeIs(reader.header().runs.size()));
  EXPECT_TRUE(data["runs"][0]["kept"].is_null()) << "the full cache keeps everything";
  for (std::size_t run = 1; run < reader.header().runs.size(); ++run) {
    const auto record = *reader.run(run);
    EXPECT_EQ(data["runs"][run]["text"], record.decode_text);
    for (std::size_t row = 0; row < 2; ++row) {
      for (std::size_t list = 0; list < 2; ++list) {
        const auto bytes = fromBase64(data["runs"][run]["kept"][row][list].get<std::string>());
        std::vector<TokenIndex> positions;
        TokenIndex position = 0;
        auto number = [&, at = std::size_t{0}]() mutable {
          TokenIndex value = 0;
          for (unsigned shift = 0;; shift += 7) {
            value |= (bytes[at] & 127U) << shift;
            if (bytes[at++] < 128) return value;
          }
        };
        for (std::size_t used = 0; used < bytes.size();) {
          const TokenIndex gap = number(), length = number();
          position += gap;
          for (TokenIndex i = 0; i < length; ++i) positions.push_back(position++);
          used += (gap < 128 ? 1U : 2U) + (length < 128 ? 1U : 2U);
        }
        const auto kept = record.kept((row == 0 ? 1 : 3) * 2 + list);
        EXPECT_EQ(positions, std::vector<TokenIndex>(kept.begin(), kept.end())) << "run " << run;
      }
    }
  }
}

TEST_F(PageTest, AttendedKeysAreThoseOfTheTrace) {
  const trace::Reader reader = sample();
  const PageOptions options{.layers = {LayerIndex(1), LayerIndex(2)}, .heads = {HeadIndex(0), HeadIndex(3)}};
  const auto data = nlohmann::json::parse(element(html(Page(reader, options)), "data"));
  const auto bytes = fromBase64(data["runs"][2]["attended"].get<std::string>());
  const auto layer = *reader.attended(2, LayerIndex(2));
  ASSERT_THAT(bytes, SizeIs(6 * 2 * 2 * 8 * 5));
  for (std::size_t step = 0; step < 6; ++step) {
    for (std::size_t k = 0; k < 8; ++k) {
      const std::uint8_t* entry = &bytes[(((step * 2 + 1) * 2 + 1) * 8 + k) * 5];  // the second layer and head chosen
      const TokenIndex position =
          entry[0] | entry[1] << 8U | entry[2] << 16U | static_cast<TokenIndex>(entry[3]) << 24U;
      EXPECT_EQ(position, layer.positions[layer.at(step, 3) + k]);
      EXPECT_NEAR(std::exp2((entry[4] - 1) / 254.0 * 28 - 28) / layer.mass[layer.at(step, 3) + k], 1, 0.04);
    }
  }
  EXPECT_EQ(data["runs"][2]["tokens"].size(), 6U);
}

// A quarter of the page at most: runs that do not fit go without.
TEST_F(PageTest, AttendedKeysHaveTheirShareOfTheSize) {
  const trace::Reader reader = sample({.new_tokens = 64});
  const auto data = nlohmann::json::parse(element(html(Page(reader, {.level = 1, .most_bytes = 400000})), "data"));
  EXPECT_NE(data["runs"][0]["attended"], "");
  EXPECT_EQ(data["runs"][1]["attended"], "");
}

TEST_F(PageTest, TheSpanMetricIsTheLastWindowRow) {
  const trace::Reader reader = sample();
  const auto data = nlohmann::json::parse(element(html(Page(reader, {})), "data"));
  const trace::Span& span = reader.header().prompt.spans.front();
  const auto rows = *reader.windowRows(LayerIndex(1), HeadIndex(2));
  double sum = 0;
  for (TokenIndex i = span.begin; i < span.end; ++i) sum += rows[7 * 256 + i];
  EXPECT_NEAR(data["metrics"][0]["values"][1][2].get<double>(), sum, sum * 1e-3);
}

TEST_F(PageTest, TheLevelIsTheFinestThatFits) {
  const trace::Reader reader = sample();
  const Page finest(reader, {});
  EXPECT_EQ(finest.content().cell, 2U);
  const Page coarser(reader, {.most_bytes = finest.bytes() - 1});
  EXPECT_EQ(coarser.content().cell, 4U);
  EXPECT_LE(coarser.bytes(), finest.bytes() - 1);
  EXPECT_EQ(coarser.bytes(), html(coarser).size());
  try {
    const Page none(reader, {.most_bytes = 50000});
    FAIL() << "fits into 50 kB";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("--layers"), HasSubstr("--max-size")));
  }
  EXPECT_LT(Page(reader, {.layers = {LayerIndex(0)}, .heads = {HeadIndex(1)}}).bytes(), coarser.bytes());
}

TEST_F(PageTest, WhatTheTraceLacksIsRefused) {
  const trace::Reader reader = sample();
  EXPECT_THROW(Page(reader, {.layers = {LayerIndex(4)}}), UsageError);
  EXPECT_THROW(Page(reader, {.heads = {HeadIndex(4)}}), UsageError);
  EXPECT_THROW(Page(reader, {.level = 2}), UsageError);
  test::SampleTrace bare = test::makeSampleTrace();
  bare.header.attention.cells.clear();
  for (trace::LayerRecord& layer : bare.layers) layer.map_mean.clear(), layer.map_max.clear();
  test::writeSampleTrace(m_folder / "bare.kva.h5", bare);
  const trace::Reader without_maps(m_folder / "bare.kva.h5");
  EXPECT_THROW(Page(without_maps, {}), Error);
}

}  // namespace
}  // namespace kvatlas::page
