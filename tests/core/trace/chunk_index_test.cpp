// A dataset whose data is absent, cannot be read, or was not captured: three things, also where one bit of the index of
// its chunks is wrong.
#include <hdf5.h>

#include "core/base/error.h"
#include "core/trace/reader.h"
#include "tests/core/trace/trace_fixture.h"

namespace kvatlas::test {
namespace {

using testing::HasSubstr;

class ChunkIndex : public TraceTest {
 protected:
  void SetUp() override { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

  static std::string problemsOf(const std::filesystem::path& path) {
    std::string all;
    for (const trace::Finding& one : trace::validate(path)) all += one.member + ": " + one.problem + "\n";
    return all;
  }
  // What the reader says of a layer's signal.
  [[nodiscard]] std::string messageOfLse(const std::string& name) const {
    return messageOf([&] { static_cast<void>(trace::Reader(file(name)).signal(LayerIndex(0), Signal::Lse)); });
  }
};

// Every block of every index: headers and data blocks of fixed and extensible arrays.
TEST_F(ChunkIndex, AFlippedBitAnywhereInOneIsFound) {
  writeSampleTrace(file(), tinyOptions());
  const std::string good = bytesOf(file());
  int blocks = 0, members = 0;
  for (std::size_t at = 0; at + 24 < good.size(); ++at) {
    const std::string_view sign = std::string_view(good).substr(at, 4);
    if (sign != "FAHD" && sign != "FADB" && sign != "EAHD" && sign != "EAIB" && sign != "EADB") continue;
    ++blocks;
    for (const std::size_t byte : {std::size_t{5}, std::size_t{16}}) {
      std::string bad = good;
      bad[at + byte] ^= 1;
      putBytes(file("bad"), bad);
      std::string said;
      const std::string thrown = messageOf([&] { said = problemsOf(file("bad")); });
      EXPECT_NE(said + thrown, "") << sign << " at " << at;
      members += said.find("cannot find its data") != said.npos ? 1 : 0;
    }
  }
  EXPECT_GT(blocks, 40);
  EXPECT_GT(members, 40);
}

TEST_F(ChunkIndex, AbsentUnreadableAndNotCapturedAreToldApart) {
  SampleTrace sample = makeSampleTrace(tinyOptions());
  writeSampleTrace(file("absent"), sample);
  const hid_t id = H5Fopen(file("absent").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  ASSERT_GE(H5Ldelete(id, "/attention/000/lse", H5P_DEFAULT), 0);
  H5Fclose(id);
  EXPECT_THAT(messageOfLse("absent"), HasSubstr("/attention/000: 'lse' is missing"));
  EXPECT_THAT(problemsOf(file("absent")), HasSubstr("'lse' is missing"));

  writeSampleTrace(file("whole"), sample);
  const std::string good = bytesOf(file("whole"));
  for (std::size_t at = good.find("FAHD"); at != good.npos; at = good.find("FAHD", at + 1)) {
    std::string bad = good;
    bad[at + 9] ^= 4;
    putBytes(file("unreadable"), bad);
    if (!messageOfLse("unreadable").empty()) break;
  }
  EXPECT_THAT(messageOfLse("unreadable"), HasSubstr("/attention/000/lse: cannot find its data"));
  EXPECT_THAT(problemsOf(file("unreadable")), HasSubstr("/attention/000/lse: cannot find its data"));
  EXPECT_THROW(static_cast<void>(trace::Reader(file("unreadable")).holds(LayerIndex(0), "lse")), Error);

  sample.layers[0].values[Signal::Lse].clear();
  writeSampleTrace(file("not captured"), sample);
  const trace::Reader reader(file("not captured"));
  EXPECT_FALSE(reader.holds(LayerIndex(0), "lse"));
  EXPECT_EQ(reader.signal(LayerIndex(0), Signal::Lse), std::nullopt);
  EXPECT_EQ(problemsOf(file("not captured")), "");
}

}  // namespace
}  // namespace kvatlas::test
