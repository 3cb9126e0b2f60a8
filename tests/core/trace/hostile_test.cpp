// Untrusted files: truncated, corrupted, misshapen, foreign.
#include <hdf5.h>

#include <functional>
#include <random>

#include "core/base/error.h"
#include "core/trace/reader.h"
#include "tests/core/trace/trace_fixture.h"

namespace kvatlas::test {
namespace {

using testing::HasSubstr;

class Hostile : public TraceTest {
 protected:
  void SetUp() override {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    writeSampleTrace(file(), tinyOptions());
  }
  // Changes the trace through plain HDF5.
  void edit(const std::function<void(hid_t)>& change) const {
    const hid_t id = H5Fopen(file().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(id, 0);
    change(id);
    ASSERT_GE(H5Fclose(id), 0);
  }
  // The message from opening and reading everything. Anything but an Error or success crashes the test.
  static std::string readAll(const std::filesystem::path& path) {
    return messageOf([&] { static_cast<void>(trace::validate(path)); });
  }
  static void replaceDataset(hid_t id, const char* name, hid_t type, const std::vector<hsize_t>& dims) {
    H5Ldelete(id, name, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr);
    H5Dclose(H5Dcreate2(id, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
  }
  static void setNumber(hid_t id, const char* group, const char* name, std::uint32_t value) {
    const hid_t object = H5Gopen2(id, group, H5P_DEFAULT);
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    EXPECT_GE(H5Awrite(attribute, H5T_NATIVE_UINT32, &value), 0) << group << name;
    H5Aclose(attribute);
    H5Gclose(object);
  }
};

TEST_F(Hostile, OtherFilesAreReportedAsNoTrace) {
  EXPECT_THAT(messageOf([&] { trace::Reader reader(file("none")); }), HasSubstr("No such file"));
  EXPECT_THAT(messageOf([&] { trace::Reader reader(m_folder.path()); }), HasSubstr("is a folder"));
  putBytes(file("empty"), "");
  EXPECT_THAT(messageOf([&] { trace::Reader reader(file("empty")); }), HasSubstr("not HDF5"));
  putBytes(file("text"), std::string(5000, 'x'));
  EXPECT_THAT(messageOf([&] { trace::Reader reader(file("text")); }), HasSubstr("not HDF5"));
}

// As h5repack writes it without -L, and h5py a copy.
TEST_F(Hostile, AnOlderSuperblockIsToldWhatToRun) {
  const hid_t id = H5Fcreate(file("old").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  ASSERT_GE(H5Fclose(id), 0);
  EXPECT_THAT(messageOf([&] { trace::Reader reader(file("old")); }), HasSubstr("h5repack writes it with -L"));
}

// HDF5 itself would wait for ever for a writer to complete the block.
TEST_F(Hostile, ADamagedStartOfAFileThatIsBeingWritten) {
  std::string bytes = bytesOf(file());
  bytes[11] = 5;  // open for writing with readers; the checksum is of 0
  putBytes(file("killed.part"), bytes);
  EXPECT_THAT(readAll(file("killed.part")), HasSubstr("incorrect metadata checksum"));
}

TEST_F(Hostile, ANewerVersionIsRefusedNamingBoth) {
  edit([](hid_t id) { setNumber(id, "/", "format_version", 2); });
  EXPECT_THAT(readAll(file()), HasSubstr("version 2, this program reads up to version 1"));
}

TEST_F(Hostile, TruncatedAnywhere) {
  const std::string bytes = bytesOf(file());
  for (std::size_t length = 0; length < bytes.size(); length += 1 + bytes.size() / 150) {
    putBytes(file("cut"), bytes.substr(0, length));
    EXPECT_NE(readAll(file("cut")), "") << length;
  }
}

TEST_F(Hostile, FlippedBytesNeverCrash) {
  const std::string bytes = bytesOf(file());
  std::mt19937 random(7);
  for (int round = 0; round < 250; ++round) {
    std::string damaged = bytes;
    const std::size_t range = round % 2 == 0 ? std::min<std::size_t>(bytes.size(), 6000) : bytes.size();
    for (int flips = 0; flips <= round % 4; ++flips) damaged[random() % range] = static_cast<char>(random());
    putBytes(file("flipped"), damaged);
    static_cast<void>(readAll(file("flipped")));
  }
}

TEST_F(Hostile, WrongShapesAndAbsurdSizesAreRefusedByName) {
  edit([](hid_t id) { replaceDataset(id, "/prompt/ids", H5T_STD_U32LE, {hsize_t{1} << 30}); });
  EXPECT_THAT(readAll(file()), HasSubstr("/prompt/ids"));
  SetUp();
  edit([](hid_t id) { replaceDataset(id, "/prompt/ids", H5T_IEEE_F32LE, {40}); });
  EXPECT_THAT(readAll(file()), HasSubstr("/prompt/ids: has the wrong type, u32"));
}

// One element would make HDF5 expand the whole chunk.
TEST_F(Hostile, AbsurdChunksAreRefusedByName) {
  edit([](hid_t id) {
    constexpr hsize_t kDim = 40, kMost = H5S_UNLIMITED, kChunk = hsize_t{1} << 29;
    H5Ldelete(id, "/prompt/ids", H5P_DEFAULT);
    const hid_t space = H5Screate_simple(1, &kDim, &kMost), list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(list, 1, &kChunk);
    H5Pset_deflate(list, 1);
    H5Dclose(H5Dcreate2(id, "/prompt/ids", H5T_STD_U32LE, space, H5P_DEFAULT, list, H5P_DEFAULT));
    H5Pclose(list), H5Sclose(space);
  });
  EXPECT_THAT(readAll(file()), HasSubstr("/prompt/ids: is stored in chunks of 2147483648 bytes"));
}

TEST_F(Hostile, MoreHeadsThanTheFileHoldsAreRefusedByName) {
  edit([](hid_t id) { setNumber(id, "/model", "query_heads", 65'536); });
  const trace::Reader reader(file());
  ASSERT_EQ(reader.header().model.query_heads, 65'536U);
  ASSERT_TRUE(reader.hasLayer(LayerIndex(0)));
  EXPECT_THAT(messageOf([&] { static_cast<void>(reader.signal(LayerIndex(0), trace::Signal::Lse)); }),
              HasSubstr("/attention/000/lse"));
}

TEST_F(Hostile, AttendedKeysOfAbsurdSizeAreRefusedByName) {
  const auto with = [&](const char* name, hid_t type, const std::vector<hsize_t>& dims) {
    SetUp();
    edit([&](hid_t id) { replaceDataset(id, name, type, dims); });
    return readAll(file());
  };
  const char* const keys = "/runs/001/decode/attended";
  EXPECT_THAT(with(keys, H5T_STD_U32LE, {2, 2, 2, 1 << 20}), HasSubstr("attended: has 1048576 keys per head"));
  EXPECT_THAT(with(keys, H5T_STD_U32LE, {2, 2, 2}), HasSubstr("attended: has 3 axes"));
  EXPECT_THAT(with(keys, H5T_IEEE_F32LE, {2, 2, 2, 8}), HasSubstr("attended: has the wrong type"));
  // Detected on access to the layer.
  with(keys, H5T_STD_U32LE, {hsize_t{1} << 40, 2, 2, 8});
  const auto ask = [&] { static_cast<void>(trace::Reader(file()).attended(1, LayerIndex(0))); };
  EXPECT_THAT(messageOf(ask), HasSubstr("/runs/001/decode/attended"));
  with("/runs/001/decode/attended_mass", H5T_IEEE_F32LE, {2, 2, 2, 7});
  EXPECT_THAT(messageOf(ask), HasSubstr("/runs/001/decode/attended_mass: has shape"));
  with("/runs/001/decode/attended_mass", H5T_IEEE_F32LE, {hsize_t{1} << 28, 2, 2, 8});
  EXPECT_THAT(messageOf(ask), HasSubstr("/runs/001/decode/attended_mass"));
}

TEST_F(Hostile, LinksAreNotFollowed) {
  edit([](hid_t id) {
    H5Ldelete(id, "/notes", H5P_DEFAULT);
    H5Lcreate_external("/etc/other.h5", "/notes", id, "notes", H5P_DEFAULT, H5P_DEFAULT);
    H5Ldelete(id, "/attention/000/lse", H5P_DEFAULT);
    H5Lcreate_soft("/attention/001/lse", id, "/attention/000/lse", H5P_DEFAULT, H5P_DEFAULT);
  });
  const trace::Reader reader(file());
  EXPECT_THAT(messageOf([&] { static_cast<void>(reader.notes()); }), HasSubstr("'notes' is a soft or external link"));
  EXPECT_THAT(messageOf([&] { static_cast<void>(reader.signal(LayerIndex(0), trace::Signal::Lse)); }),
              HasSubstr("'lse' is a soft or external link"));
}

}  // namespace
}  // namespace kvatlas::test
