// Files that crash the HDF5 library or keep it busy are looked into by a process of their own. This test program is
// that process, too: see main().
#include <hdf5.h>

#include <array>
#include <fstream>
#include <iostream>
#include <random>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/trace/reader.h"
#include "core/trace/vetting.h"
#include "tests/core/trace/metadata_lies.h"
#include "tests/core/trace/trace_fixture.h"

namespace kvatlas::test {
namespace {

using testing::HasSubstr;

class Vetting : public TraceTest {
 protected:
  void SetUp() override { trace::vetWith("/proc/self/exe"); }
  void TearDown() override { trace::vetWith(""); }
};

TEST_F(Vetting, AGoodTraceIsRead) {
  writeSampleTrace(file(), tinyOptions());
  EXPECT_EQ(trace::Reader(file()).tokens(), 40U);
  SampleTraceOptions options = tinyOptions();
  options.finish = false;
  writeSampleTrace(file("unfinished"), options);
  EXPECT_FALSE(trace::Reader(part("unfinished")).complete());
}

// Guards take mappings, of which a process has not many.
TEST_F(Vetting, AGoodTraceOfManyRunsIsRead) {
  SampleTraceOptions options = tinyOptions();
  options.layers = 1;
  options.budgets.assign(110, 12);
  writeSampleTrace(file(), options);
  const trace::Reader reader(file());
  EXPECT_GT(reader.header().runs.size(), 400U);
}

TEST_F(Vetting, ErrorsAreThoseOfTheReader) {
  putBytes(file(), std::string(5000, 'x'));
  EXPECT_THAT(messageOf([&] { trace::Reader reader(file()); }), HasSubstr("not HDF5"));
  EXPECT_THAT(messageOf([&] { trace::Reader reader(file("none")); }), HasSubstr("No such file"));
}

// The programs that stand for the child here end in the ways in which a harmful file ends it.
TEST_F(Vetting, ACrashIsAnError) {
  writeSampleTrace(file(), tinyOptions());
  const auto programme = file("crash.sh");
  putBytes(programme, "#!/bin/sh\nkill -SEGV $$\n");
  std::filesystem::permissions(programme, std::filesystem::perms::owner_all);
  trace::vetWith(programme);
  EXPECT_THAT(messageOf([&] { trace::Reader reader(file()); }), HasSubstr("crashes the HDF5 library (Segmentation"));
  putBytes(programme, "#!/bin/sh\nkill -XCPU $$\n");
  EXPECT_THAT(messageOf([&] { trace::Reader reader(file()); }), HasSubstr("does not end"));
}

TEST_F(Vetting, AnIndexWithoutElementsCostsAnError) {
  writeSampleTrace(file(), tinyOptions());
  const std::string good = bytesOf(file());
  putBytes(file("harm"), withEmptyIndexBlocks(good, metadataBlocks(good)));
  EXPECT_NE(messageOf([&] { static_cast<void>(trace::Reader(file("harm")).run(0)); }), "");
}

// The process that looks notices each byte read beyond an allocation; here, it might be the last mapped one.
TEST_F(Vetting, AReadBeyondABlockCostsAnError) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizers have allocators of their own";
#endif
  writeSampleTrace(file(), tinyOptions());
  const std::string good = bytesOf(file());
  putBytes(file("farther"), withFartherValue(good, metadataBlocks(good), "window"));
  EXPECT_THAT(messageOf([&] { trace::Reader reader(file("farther")); }), HasSubstr("crashes the HDF5 library"));
}

// What readers look up later, the process that looks has looked up before.
TEST_F(Vetting, AFixedIndexWithoutElementsCostsAnError) {
  writeSampleTrace(file(), tinyOptions());
  const std::string good = bytesOf(file());
  putBytes(file("none"), withEmptyFixedIndexes(good, metadataBlocks(good)));
  EXPECT_THAT(messageOf([&] { trace::Reader reader(file("none")); }), HasSubstr("crashes the HDF5 library"));
}

// Of a chunk that expands to fewer bytes than it has, HDF5 1.10 copies what stands behind them.
TEST_F(Vetting, ACompressedChunkThatIsTooShortCostsAnError) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizers have allocators of their own";
#endif
  SampleTraceOptions options = tinyOptions();
  options.query_heads = 4;
  writeSampleTrace(file(), options);
  constexpr std::array<hsize_t, 2> kDims{4, 40}, kChunk{1, 40}, kThird{2, 0};  // the ends are read in any case
  constexpr std::array<unsigned char, 11> kEightBytes{0x78, 0x9c, 0x63, 0x64, 0x84, 0, 0, 0, 0x2c, 0, 9};
  const hid_t id = H5Fopen(file().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  ASSERT_GE(H5Ldelete(id, "/attention/000/received", H5P_DEFAULT), 0);
  const hid_t space = H5Screate_simple(2, kDims.data(), nullptr), list = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(list, 2, kChunk.data());
  H5Pset_deflate(list, 1);
  const hid_t data = H5Dcreate2(id, "/attention/000/received", H5T_IEEE_F32LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
  const std::vector<float> zeros(160);
  EXPECT_GE(H5Dwrite(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros.data()), 0);
  EXPECT_GE(H5Dwrite_chunk(data, H5P_DEFAULT, 0, kThird.data(), kEightBytes.size(), kEightBytes.data()), 0);
  H5Dclose(data), H5Pclose(list), H5Sclose(space), H5Fclose(id);
  EXPECT_THAT(messageOf([&] { trace::Reader reader(file()); }), HasSubstr("crashes the HDF5 library"));
}

TEST_F(Vetting, EveryArrayIsLookedAt) {
  SampleTraceOptions options = tinyOptions();
  options.attended = 2;
  options.experts = 4;
  writeSampleTrace(file(), options);
  const hid_t id = H5Fopen(file().c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  std::vector<std::string> stored;
  const auto add = [](hid_t, const char* name, const H5O_info_t* info, void* names) -> herr_t {
    const std::string_view path(name);
    const bool whole = path == "notes" || (path.starts_with("prompt/") && path != "prompt/next_logits");
    if (info->type == H5O_TYPE_DATASET && !whole) static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
  };
  EXPECT_GE(H5Ovisit2(id, H5_INDEX_NAME, H5_ITER_INC, add, &stored, H5O_INFO_BASIC), 0);
  H5Fclose(id);
  EXPECT_GT(stored.size(), 80U);
  EXPECT_THAT(trace::walkedArrays(trace::Reader(file()).header()), testing::IsSupersetOf(stored));
}

TEST_F(Vetting, APassedFileIsNotLookedIntoAgain) {
  writeSampleTrace(file(), tinyOptions());
  static_cast<void>(trace::Reader(file()));
  trace::vetWith("/nonexistent");
  static_cast<void>(trace::Reader(file()));
  writeSampleTrace(file("other"), tinyOptions());
  EXPECT_THAT(messageOf([&] { trace::Reader reader(file("other")); }), HasSubstr("cannot start a process"));
}

// Metadata that lies with a right checksum: sizes of zero, addresses beyond the file, counts without end. Whatever the
// child finds, this process survives, and so does its reading of what passes.
TEST_F(Vetting, MetadataThatLiesCrashesNothing) {
  SampleTraceOptions options = tinyOptions();
  options.tokens = 24;
  options.layers = 1;
  options.attended = 2;
  writeSampleTrace(file(), options);
  const std::string good = bytesOf(file());
  const std::vector<MetadataBlock> blocks = metadataBlocks(good);
  ASSERT_GT(blocks.size(), 50U);
  std::mt19937 random(20);
  int refused = 0, harmful = 0;
  for (int round = 0; round < 70; ++round) {
    SCOPED_TRACE(round);
    putBytes(file("lie"), withLie(good, blocks, random));
    const std::string message = messageOf([&] { static_cast<void>(trace::validate(file("lie"))); });
    refused += message.empty() ? 0 : 1;
    harmful += message.find("made to harm") != std::string::npos ? 1 : 0;
  }
  std::cout << refused << " of 70 refused, " << harmful << " of them by their death\n";
  EXPECT_GT(refused, 3);
}

}  // namespace
}  // namespace kvatlas::test

int main(int argc, char** argv) {
  kvatlas::trace::offerVetting(argc, argv, "");
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
