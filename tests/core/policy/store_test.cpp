// What stores and merges make of keys and values, against published code (tests/data/stores/make_store_goldens.py); the
// bytes they count, and what they refuse.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/policy/low_rank.h"
#include "core/policy/merging.h"
#include "core/policy/parts.h"

namespace kvatlas::policy {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::filesystem::path kData = KVATLAS_TEST_DATA;

class Goldens {
 public:
  explicit Goldens(const json& row) : m_row(row) {}
  [[nodiscard]] std::vector<float> array(const char* name) const {
    static const std::vector<float> all = [] {
      const auto path = kData / "stores/stores.f32";
      std::vector<float> values(std::filesystem::file_size(path) / sizeof(float));
      std::ifstream file(path, std::ios::binary);
      file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
      return values;
    }();
    const auto first = all.begin() + m_row["arrays"][name][0].get<std::ptrdiff_t>();
    return {first, first + m_row["arrays"][name][1].get<std::ptrdiff_t>()};
  }

 private:
  const json& m_row;
};

std::vector<json> rowsOf(const std::string& name) {
  std::vector<json> rows;
  for (const json& row : readJsonFile(kData / "stores/stores.json"))
    if (row["case"] == name) rows.push_back(row);
  EXPECT_FALSE(rows.empty()) << name;
  return rows;
}

void expectNear(std::span<const float> ours, std::span<const float> expected, const std::string& what) {
  ASSERT_EQ(ours.size(), expected.size()) << what;
  int wrong = 0;
  for (std::size_t i = 0; i < ours.size(); ++i)
    if (!(std::abs(ours[i] - expected[i]) <= 1e-5F * std::max(1.0F, std::abs(expected[i]))) && ++wrong < 4)
      ADD_FAILURE() << what << "[" << i << "]: " << ours[i] << ", not " << expected[i];
  EXPECT_EQ(wrong, 0) << what;
}

Setting settingOf(const std::string& method, std::uint32_t layers = 1, std::uint32_t heads = 1) {
  return makeSetting(parseMethod(method), {layers, heads, heads, 400}, parseBudget("100"), Granularity::KvHead,
                     Preset::Exact, 8);
}

std::unique_ptr<StoredForm> formOf(const std::string& method, const FormShape& shape) {
  return parseMethod(method).method->store->form(settingOf(method, shape.layers, shape.heads), shape);
}

// Settles the rows of list 0 that are due.
void settle(StoredForm& form, std::vector<float>& key, std::vector<float>& value, std::size_t d) {
  const auto rows = static_cast<std::uint32_t>(key.size() / d);
  const RowRange due = form.due(0, rows);
  if (due.count == 0) return;
  form.settle(
      0, rows,
      {std::span(key).subspan(due.first * d, due.count * d), std::span(value).subspan(due.first * d, due.count * d)});
}

TEST(Stores, EqualPublishedCodes) {
  for (const std::string name : {"kivi", "kvquant", "gear"})
    for (const json& row : rowsOf(name)) {
      const Goldens golden(row);
      SCOPED_TRACE(row.dump());
      const std::size_t d = row["d"];
      std::vector<float> key = golden.array("key"), value = golden.array("value");
      const auto rows = key.size() / d;
      // Values are coded once as many newer rows are behind them; GEAR's are with the keys.
      std::string method =
          fmt::format("{0}:block={1},residual={1},bits={2}", name, row["block"].get<int>(), row["bits"].get<int>());
      for (const char* parameter : {"outliers", "rank"})
        if (row.contains(parameter)) method += fmt::format(",{}={}", parameter, row[parameter].dump());
      // Values are coded once as many newer rows are behind them; GEAR's are with the keys.
      const std::size_t newer = name == "gear" ? 0 : row["block"].get<std::size_t>() - 1;
      key.resize((rows + newer) * d, 7.0F);
      value.resize(key.size(), 7.0F);
      const auto form = formOf(method, {.layers = 1, .heads = 1, .head_dim = static_cast<std::uint32_t>(d)});
      settle(*form, key, value, d);
      const std::size_t coded = name == "gear" ? rows : rows - 1;
      expectNear(std::span(key).first(rows * d), golden.array("key_back"), "key");
      std::vector<float> value_back = golden.array("value_back");
      value_back.resize(coded * d);
      expectNear(std::span(value).first(coded * d), value_back, "value");
      for (std::size_t i = rows * d; i < key.size(); ++i) EXPECT_EQ(key[i], 7.0F) << "newer rows stay";
    }
}

TEST(Stores, EqualThink) {
  for (const json& row : rowsOf("think")) {
    const Goldens golden(row);
    const std::uint32_t d = row["d"], heads = row["heads"], tokens = row["tokens"];
    const std::vector<float> query = golden.array("query"), expected = golden.array("key_back");
    std::vector<float> key = golden.array("key"), value = key;
    FormShape shape{.layers = 1, .heads = heads, .head_dim = d};
    shape.query_squares.assign(std::size_t{heads} * d, 0.0F);
    const std::size_t queries = query.size() / heads / d;
    for (std::size_t head = 0; head < heads; ++head)
      for (std::size_t q = queries - 32; q < queries; ++q)
        for (std::size_t c = 0; c < d; ++c) {
          const float x = query[(head * queries + q) * d + c];
          shape.query_squares[head * d + c] += x * x / 32;
        }
    const auto form = formOf(fmt::format("think:ratio={},whole={}", row["ratio"].dump(), row["whole"].dump()), shape);
    for (std::size_t head = 0; head < heads; ++head) {
      EXPECT_EQ(form->due(head, tokens).count, tokens);
      form->settle(head, tokens, {std::span(key).subspan(head * tokens * d, tokens * d), value});
      EXPECT_EQ(form->due(head, tokens + 40).count, 0U) << "once";
    }
    expectNear(key, expected, "key");
    // Numbers that are left, and a mask for each head.
    const auto zeros = static_cast<std::uint64_t>(std::ranges::count(expected, 0.0F));
    const std::vector<std::uint32_t> rows(heads, tokens);
    EXPECT_EQ(form->bytes(rows), (std::uint64_t{2} * heads * tokens * d - zeros) * 4 + heads * ((d + 7) / 8));
    const std::uint64_t before = form->bytes(rows);
    const std::uint32_t gone[] = {0, tokens - 1};  // a pruned row and a whole one
    form->erase(0, gone);
    std::vector<std::uint32_t> fewer = rows;
    fewer[0] -= 2;
    const auto channels = static_cast<std::uint64_t>(d * row["ratio"].get<double>());
    EXPECT_EQ(before - form->bytes(fewer), (4 * d - channels) * 4);
  }
}

TEST(Stores, EqualMinicache) {
  for (const json& row : rowsOf("minicache")) {
    const Goldens golden(row);
    const std::uint32_t d = row["d"], heads = row["heads"], tokens = row["tokens"];
    const auto form = formOf("minicache:from=0", {.layers = 2, .heads = heads, .head_dim = d});
    std::vector<float> lower = golden.array("lower"), upper = golden.array("upper"), lower_value = lower,
                       upper_value = upper;
    std::vector<RowPair> pairs;
    for (std::uint32_t i = 0; i < tokens; ++i) pairs.push_back({i, i});
    for (std::uint32_t head = 0; head < heads; ++head) {
      EXPECT_FALSE(form->partnerOf(head));
      ASSERT_EQ(form->partnerOf(heads + head), head);
      const auto part = [&](std::vector<float>& all) {
        return std::span(all).subspan(std::size_t{head} * tokens * d, std::size_t{tokens} * d);
      };
      form->settlePair(heads + head, pairs, {part(lower), part(lower_value)}, {part(upper), part(upper_value)});
    }
    for (const auto& [ours, name] : {std::pair(&lower, "lower_back"), std::pair(&upper, "upper_back"),
                                     std::pair(&lower_value, "lower_back"), std::pair(&upper_value, "upper_back")})
      expectNear(*ours, golden.array(name), name);
    const std::uint64_t apart = static_cast<std::uint64_t>(std::ceil(0.05 * tokens)), shared = tokens - apart;
    const std::vector<std::uint32_t> rows(std::size_t{2} * heads, tokens);
    // Keys and values: a direction and two lengths, or both rows and an index.
    EXPECT_EQ(form->bytes(rows), 2 * heads * (shared * (d + 2) * 4 + apart * (2 * d * 4 + 4)));
  }
}

TEST(Merging, EqualsPublishedRules) {
  for (const json& row : rowsOf("merge")) {
    const Goldens golden(row);
    SCOPED_TRACE(row.dump());
    const std::size_t d = row["d"], heads = row["heads"], tokens = row["tokens"], kept = row["kept"];
    const std::string name = row["rule"];
    const auto rule = std::ranges::find(mergeParts(), name, &MergePart::name)->rule;
    const std::vector<float> key = golden.array("key"), value = golden.array("value"),
                             positions = golden.array("positions"), key_back = golden.array("key_back"),
                             value_back = golden.array("value_back");
    for (std::size_t head = 0; head < heads; ++head) {
      std::vector<float> kept_key, kept_value, lost_key, lost_value;
      std::vector<bool> is_kept(tokens);
      const auto add = [&](const std::vector<float>& from, std::size_t position, std::vector<float>& to) {
        const auto first = from.begin() + static_cast<std::ptrdiff_t>((head * tokens + position) * d);
        to.insert(to.end(), first, first + static_cast<std::ptrdiff_t>(d));
      };
      for (std::size_t i = 0; i < kept; ++i) {
        const auto position = static_cast<std::size_t>(positions[head * kept + i]);
        is_kept[position] = true;
        add(key, position, kept_key);
        add(value, position, kept_value);
      }
      for (std::size_t position = 0; position < tokens; ++position) {
        if (is_kept[position]) continue;
        add(key, position, lost_key);
        add(value, position, lost_value);
      }
      const auto into = mergeRows(rule, {lost_key, lost_value}, {kept_key, kept_value}, d);
      EXPECT_EQ(into.size(), tokens - kept);
      EXPECT_LT(*std::ranges::max_element(into), kept);
      const std::size_t first = head * kept * d;
      expectNear(kept_key, std::span(key_back).subspan(first, kept * d), "key");
      expectNear(kept_value, std::span(value_back).subspan(first, kept * d), "value");
    }
  }
}

// The draws are made from a hash of the position, so the golden's are turned into chances: 0 or 1.
TEST(Merging, EqualsCam) {
  for (const json& row : rowsOf("cam")) {
    const Goldens golden(row);
    const std::size_t d = row["d"], tokens = row["tokens"];
    std::vector<float> value = golden.array("value");
    const std::vector<float> of_golden = golden.array("received"), uniform = golden.array("uniform"),
                             evicted = golden.array("evicted");
    std::vector<double> received(of_golden.begin(), of_golden.end());
    std::vector<std::uint32_t> rows(evicted.begin(), evicted.end());
    std::vector<TokenIndex> positions(tokens);
    std::iota(positions.begin(), positions.end(), TokenIndex{0});
    const std::uint32_t spread = row["spread"];
    std::vector<std::uint32_t> kept;
    for (std::uint32_t i = 0; i < tokens; ++i)
      if (!std::ranges::binary_search(rows, i)) kept.push_back(i);
    std::size_t merged = 0;
    for (const std::uint32_t at : rows) {
      const auto first = std::ranges::upper_bound(kept, at);
      const auto count = std::min<std::ptrdiff_t>(spread, kept.end() - first);
      double mean = 0;
      for (std::ptrdiff_t i = 0; i < count; ++i) mean += received[first[i]] / static_cast<double>(count);
      const bool merges = count > 0 && uniform[at] < std::min(1.0, received[at] / mean);
      received[at] = merges ? 1e9 : 0;
      merged += merges ? 1 : 0;
    }
    ASSERT_GT(merged, 0U);
    ASSERT_LT(merged, rows.size());
    const auto into = mergeForward({.spread = spread, .stream = 5}, rows, received, positions, value, d);
    EXPECT_EQ(rows.size() - static_cast<std::size_t>(std::ranges::count(into, kLost)), merged);
    std::vector<float> ours;
    for (const std::uint32_t i : kept)
      ours.insert(ours.end(), value.begin() + static_cast<std::ptrdiff_t>(i * d),
                  value.begin() + static_cast<std::ptrdiff_t>((i + 1) * d));
    expectNear(ours, golden.array("value_back"), "value");
  }
}

// A token merges as often as its attention relative to the mean of those behind it says.
TEST(Merging, CamDrawsByItsChance) {
  constexpr std::uint32_t kTrials = 4000;
  std::vector<float> value(3, 1.0F);
  std::size_t merged = 0;
  for (std::uint32_t trial = 0; trial < kTrials; ++trial) {
    const TokenIndex positions[] = {trial, kTrials, kTrials + 1};
    const double received[] = {0.3, 0.5, 1.5};
    const std::uint32_t rows[] = {0};
    merged += mergeForward({.spread = 2, .stream = 9}, rows, received, positions, value, 1).front() != kLost ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(merged) / kTrials, 0.3, 0.03);
}

TEST(Stores, BytesAreThoseOfCodesScalesAndResidual) {
  constexpr std::uint32_t kDim = 64;
  const FormShape shape{.layers = 1, .heads = 1, .head_dim = kDim, .element_bytes = 2};
  const auto form = formOf("kivi:bits=4,block=32,residual=32", shape);
  std::vector<float> key(70 * kDim), value(70 * kDim);
  std::iota(key.begin(), key.end(), 0.0F);
  settle(*form, key, value, kDim);
  // 64 of 70 keys and 38 values are coded.
  const std::uint64_t codes = (64 + 38) * kDim / 2, scales = (2 * kDim + 38 * 2) * 4, whole = (6 + 32) * kDim * 2;
  EXPECT_EQ(form->bytes(std::vector<std::uint32_t>{70}), codes + scales + whole);
  std::vector<std::uint32_t> gone(32);  // a whole block of keys, with its scales
  std::iota(gone.begin(), gone.end(), 0U);
  form->erase(0, gone);
  EXPECT_EQ(form->bytes(std::vector<std::uint32_t>{38}),
            (32 + 6) * kDim / 2 + (kDim + 6 * 2) * 4 + (6 + 32) * kDim * 2);
}

// After each token as published: keys wait until a whole residual is full, values leave it one by one.
TEST(Stores, KiviCodesWhileDecoding) {
  constexpr std::uint32_t kDim = 8;
  const auto form = formOf("kivi:bits=2,block=4,residual=8", {.layers = 1, .heads = 1, .head_dim = kDim});
  std::vector<float> key, value;
  std::size_t coded_keys = 0;
  for (std::uint32_t token = 0; token < 30; ++token) {
    for (std::uint32_t c = 0; c < kDim; ++c) {
      key.push_back(static_cast<float>(std::sin(token * 3.1 + c)));
      value.push_back(static_cast<float>(std::cos(token * 1.7 + c * c)));
    }
    const std::vector<float> before = key, value_before = value;
    settle(*form, key, value, kDim);
    const bool full = (token + 1 - coded_keys) == 8;
    EXPECT_EQ(key != before, full) << token;
    if (full) coded_keys = token + 1;
    EXPECT_EQ(value != value_before, token >= 8) << token;
    for (std::size_t i = value.size() - 8 * std::min<std::size_t>(kDim, token + 1); i < value.size(); ++i)
      EXPECT_EQ(value[i], value_before[i]);
  }
}

TEST(LowRank, IsTheBestApproximation) {
  std::vector<float> outer;  // rank 2
  for (int row = 0; row < 20; ++row)
    for (int column = 0; column < 6; ++column)
      outer.push_back(static_cast<float>(std::sin(row) * (column + 1) + std::cos(3 * row) * std::cos(column)));
  std::vector<float> same = outer, one = outer;
  keepLowRank(same, 6, 2);
  expectNear(same, outer, "of its own rank");
  keepLowRank(one, 6, 1);
  EXPECT_NE(one, outer);
  std::vector<float> bad{1, NAN};
  keepLowRank(bad, 2, 1);
  EXPECT_EQ(bad, std::vector<float>(2, 0.0F));
}

std::string complaint(const std::string& method) {
  try {
    (void)settingOf(method);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Stores, CombineWithAnyMethodOrSayWhyNot) {
  EXPECT_EQ(parseMethod("keydiff:bits=4").method->parts.store, "kivi");
  EXPECT_EQ(settingOf("keydiff:bits=4").parameters.at("residual"), "32");
  EXPECT_EQ(settingOf("kivi").parameters.at("residual"), "128");
  EXPECT_EQ(parseMethod("snapkv:store=gear,bits=8").method->parts.store, "gear");
  EXPECT_EQ(settingOf("cam").parameters.at("every"), "1");
  EXPECT_EQ(complaint("snapkv:merge=pivot,bits=4"), "accepted");
  EXPECT_THAT(complaint("snapkv:bits=3"), HasSubstr("'3' is not a value of parameter 'bits'"));
  EXPECT_THAT(complaint("snapkv:merge=mean"), HasSubstr("'mean' is not a value of parameter 'merge'"));
  EXPECT_THAT(complaint("think:bits=4"), HasSubstr("no parameter 'bits'"));
  EXPECT_THAT(complaint("kivi:merge=pivot"), HasSubstr("no parameter 'merge'"));
  EXPECT_THAT(complaint("full:bits=4"), HasSubstr("takes no parameters, but 'bits'"));
  EXPECT_THAT(complaint("snapkv:merge=cam,every=0"), HasSubstr("'every' must be a whole number from 1"));
  EXPECT_THAT(complaint("snapkv:merge=pivot,bits=4,every=2"), HasSubstr("needs store=plain, not store=kivi"));
  EXPECT_THAT(complaint("snapkv:store=minicache,every=2"), HasSubstr("every=2 cannot be used, store=minicache"));
}

}  // namespace
}  // namespace kvatlas::policy
