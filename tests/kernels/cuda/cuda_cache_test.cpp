// Kernels that move and rank what a cache holds, on a device or on its emulation, against naive loops.
#include <limits>
#include <memory>

#include "tests/kernels/cuda/cuda_fixture.h"
#include "tests/kernels/naive_top.h"

namespace kvatlas::kernels {
namespace {

// The k largest of every row, as the device gives them.
std::vector<TopEntry> topOf(CudaBackend& backend, const std::vector<std::vector<float>>& rows, std::size_t k) {
  std::vector<std::unique_ptr<DeviceArray<float>>> arrays;
  std::vector<KvatlasCudaRow> list;
  std::uint64_t longest = 0;
  for (const std::vector<float>& row : rows) {
    arrays.push_back(std::make_unique<DeviceArray<float>>(backend, row));
    list.push_back({arrays.back()->data(), row.size()});
    longest = std::max<std::uint64_t>(longest, row.size());
  }
  const DeviceArray<KvatlasCudaRow> device_rows(backend, list);
  const DeviceArray<KvatlasCudaTopEntry> output(backend,
                                                std::vector<KvatlasCudaTopEntry>(rows.size() * k + 1, {7.0F, 7}));
  KvatlasCudaTop top{device_rows.data(), rows.size(), longest, k, output.data(), nullptr};
  const DeviceArray<char> workspace(backend, std::vector<char>(backend.functions().top_workspace(&top), 'x'));
  top.workspace = workspace.data();
  const char* const error = backend.functions().top(&top, nullptr);
  EXPECT_EQ(error, nullptr) << error;
  std::vector<TopEntry> entries;
  for (const KvatlasCudaTopEntry& entry : output.host()) entries.push_back({entry.value, entry.column});
  EXPECT_EQ(entries.back(), (TopEntry{7.0F, 7})) << "nothing is written behind the output";
  entries.pop_back();
  return entries;
}

void expectNaive(CudaBackend& backend, const std::vector<std::vector<float>>& rows, std::size_t k) {
  const std::vector<TopEntry> actual = topOf(backend, rows, k);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const std::vector<TopEntry> expected = naiveTop(rows[r], k);
    for (std::size_t i = 0; i < k; ++i) {
      const TopEntry &a = actual[r * k + i], &e = expected[i];
      ASSERT_EQ(a.column, e.column) << "entry " << i << " of " << k << ", row " << r << " of " << rows[r].size()
                                    << " columns";
      ASSERT_EQ(a.value, e.value) << "entry " << i << " of " << k << ", row " << r;
    }
  }
}

// Ties within a lane, between lanes, rounds and parts; fewer columns than entries; rows of all lengths in one call.
TEST_F(CudaKernels, topEntriesAreThoseOfAStableSort) {
  for (const unsigned different : {0U, 1U, 37U, 100000U}) {
    std::vector<std::vector<float>> rows;
    for (const std::size_t length : {1, 2, 7, 8, 9, 32, 33, 1023, 1024, 1025, 4096, 4097, 9000})
      rows.push_back(rowWithTies(length, different, static_cast<unsigned>(length)));
    for (const std::size_t k : {1, 8, 32}) {
      SCOPED_TRACE(different);
      expectNaive(*m_backend, rows, k);
    }
  }
}

TEST_F(CudaKernels, topEntriesOfALongCache) {
  // All equal; nearly all different; the largest at the very end; the largest in the middle.
  std::vector<std::vector<float>> rows = {rowWithTies(131072, 1), rowWithTies(131072, 100000), rowWithTies(131072, 0),
                                          rowWithTies(131072, 3)};
  for (std::size_t i = 0; i < 10; ++i) rows[3][70000 + 37 * i] = 5.0F;
  expectNaive(*m_backend, rows, 8);
  EXPECT_EQ(topOf(*m_backend, rows, 8), topOf(*m_backend, rows, 8));
}

TEST_F(CudaKernels, topEntriesOfARowThatIsNotFiniteAreNone) {
  std::vector<std::vector<float>> rows;
  for (const float value : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(),
                            -std::numeric_limits<float>::quiet_NaN()})
    for (const std::size_t at : {0, 5, 4999}) {
      rows.push_back(rowWithTies(5000, 37));
      rows.back()[at] = value;
    }
  rows.emplace_back(20, std::numeric_limits<float>::quiet_NaN());
  rows.push_back(rowWithTies(20, 37));  // its neighbours leave it alone
  expectNaive(*m_backend, rows, 8);
}

TEST_F(CudaKernels, topEntriesRefuseWhatTheyCannotRank) {
  KvatlasCudaTop top{nullptr, 1, 10, 33, nullptr, nullptr};
  EXPECT_STREQ(m_backend->functions().top(&top, nullptr), "CUDA largest entries: at most 32 of a row");
  top.entries = 8;
  EXPECT_STREQ(m_backend->functions().top(&top, nullptr), "CUDA largest entries: workspace is required");
  top.count = 0;
  EXPECT_EQ(m_backend->functions().top(&top, nullptr), nullptr);
}

struct ListCase {
  std::size_t length;
  std::vector<std::uint32_t> given_up;
};

// The first, the last, all, none, runs and single rows; more rows than one round moves.
std::vector<ListCase> listCases() {
  std::vector<ListCase> cases = {
      {1, {}}, {1, {0}}, {5, {0}}, {5, {4}}, {5, {0, 1, 2, 3, 4}}, {9, {2, 3, 4}}, {9, {0, 2, 4, 6, 8}}, {3000, {1}}};
  std::mt19937 random(11);
  for (const unsigned one_in : {2U, 5U, 300U}) {
    ListCase many{.length = 2500, .given_up = {}};
    for (std::uint32_t row = 0; row < many.length; ++row)
      if (random() % one_in == 0) many.given_up.push_back(row);
    cases.push_back(many);
  }
  return cases;
}

TEST_F(CudaKernels, compactionKeepsTheOtherRowsInOrder) {
  const std::vector<ListCase> cases = listCases();
  for (const std::size_t bytes : {1, 6, 16, 48, 256}) {
    SCOPED_TRACE(bytes);
    std::vector<std::vector<unsigned char>> before;
    std::vector<std::unique_ptr<DeviceArray<unsigned char>>> rows;
    std::vector<std::uint32_t> given_up;
    std::vector<KvatlasCudaList> lists;
    for (const ListCase& one : cases) {
      std::vector<unsigned char>& list = before.emplace_back(one.length * bytes + 1);
      for (std::size_t i = 0; i < list.size(); ++i) list[i] = static_cast<unsigned char>(i * 31 % 251);
      rows.push_back(std::make_unique<DeviceArray<unsigned char>>(*m_backend, list));
      lists.push_back({rows.back()->data(), one.length, given_up.size(), one.given_up.size()});
      given_up.insert(given_up.end(), one.given_up.begin(), one.given_up.end());
    }
    const DeviceArray<KvatlasCudaList> device_lists(*m_backend, lists);
    const DeviceArray<std::uint32_t> device_given_up(*m_backend, given_up);
    ASSERT_EQ(m_backend->functions().compact(device_lists.data(), lists.size(), device_given_up.data(), bytes, nullptr),
              nullptr);
    for (std::size_t l = 0; l < cases.size(); ++l) {
      std::vector<unsigned char> expected;
      for (std::uint32_t row = 0; row < cases[l].length; ++row)
        if (!std::ranges::binary_search(cases[l].given_up, row))
          expected.insert(expected.end(), before[l].begin() + static_cast<std::ptrdiff_t>(row * bytes),
                          before[l].begin() + static_cast<std::ptrdiff_t>((row + 1) * bytes));
      const std::vector<unsigned char> actual = rows[l]->host();
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), actual.begin())) << "list " << l;
      EXPECT_EQ(actual.back(), before[l].back()) << "nothing is written behind list " << l;
    }
  }
}

}  // namespace
}  // namespace kvatlas::kernels
