// Files that are not valid traces, for the commands that read traces.
#include <hdf5.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "tests/app/programme.h"

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;

class BadTrace : public ProgrammeTest {
 protected:
  // A complete, valid trace.
  std::string good() const {
    EXPECT_EQ(run(capture({"--model", smallModel().string(), "--ids", write("prompt.ids", idsText(40, 64)), "--method",
                           "snapkv", "--budget", "20", "--max-new-tokens", "3"}))
                  .exit_code,
              0);
    return trace();
  }

  // Every command that reads a trace fails on it and writes nothing.
  void everyCommandRefuses(const std::string& file, const Words& culprits) const {
    const Words before = names();
    for (const Words& words : {Words{"info", file}, Words{"info", file, "--json"}, Words{"validate", file},
                               Words{"export", file, "runs", "-o", path("out.csv")}}) {
      SCOPED_TRACE(words.front());
      expectRefused(run(words), 1, culprits);
    }
    EXPECT_EQ(names(), before);
  }

  static void setAttribute(const std::string& file, const char* name, std::uint32_t value) {
    const hid_t opened = H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(opened, 0) << file;
    const hid_t attribute = H5Aopen(opened, name, H5P_DEFAULT);
    EXPECT_GE(H5Awrite(attribute, H5T_NATIVE_UINT32, &value), 0);
    H5Aclose(attribute);
    H5Fclose(opened);
  }
};

TEST_F(BadTrace, Missing) {
  everyCommandRefuses(path("none.kva.h5"), {path("none.kva.h5"), "No such file"});
}
TEST_F(BadTrace, IsAFolder) {
  everyCommandRefuses(folder().string(), {folder().string()});
}
TEST_F(BadTrace, Empty) {
  everyCommandRefuses(write("empty.kva.h5", ""), {"empty.kva.h5"});
}
TEST_F(BadTrace, NotHdf5) {
  everyCommandRefuses(write("text.kva.h5", std::string(5000, 'x')), {"text.kva.h5", "HDF5"});
}
TEST_F(BadTrace, SignatureOnly) {
  everyCommandRefuses(write("short.kva.h5", "\x89HDF\r\n\x1a\n"), {"short.kva.h5"});
}

TEST_F(BadTrace, Hdf5OfSomethingElse) {
  const hid_t file = H5Fcreate(path("other.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  ASSERT_GE(file, 0);
  H5Fclose(file);
  everyCommandRefuses(path("other.h5"), {"other.h5"});
}

TEST_F(BadTrace, OfTheFutureNamesBothVersions) {
  const std::string file = good();
  setAttribute(file, "format_version", 7);
  everyCommandRefuses(file, {"out.kva.h5", "7", "1"});
}

// Truncated at many places: an error, or an answer if all requested data is present. Never a crash.
TEST_F(BadTrace, Truncated) {
  const std::string file = good();
  const std::uint64_t whole = fs::file_size(file);
  for (std::uint64_t part = 1; part < 12; ++part) {
    SCOPED_TRACE(part);
    fs::copy_file(file, path("cut.kva.h5"), fs::copy_options::overwrite_existing);
    fs::resize_file(path("cut.kva.h5"), whole * part / 12);
    expectRefused(run({"validate", path("cut.kva.h5")}), 1, {"cut.kva.h5"});
    const Ended info = run({"info", path("cut.kva.h5")});
    EXPECT_EQ(info.signal, 0);
    if (info.exit_code != 0) expectRefused(info, 1, {"cut.kva.h5"});
  }
}

// Bytes overwritten throughout the file.
TEST_F(BadTrace, Damaged) {
  const std::string file = good();
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  for (std::size_t part = 0; part < 16; ++part) {
    SCOPED_TRACE(part);
    std::string damaged = bytes;
    const std::size_t begin = bytes.size() * part / 16;
    for (std::size_t i = begin; i < std::min(begin + 300, bytes.size()); ++i) damaged[i] = static_cast<char>(0xA5 ^ i);
    const std::string name = write("damaged.kva.h5", damaged);
    for (const Words& words : {Words{"info", name}, Words{"validate", name}}) {
      const Ended ended = run(words);
      EXPECT_EQ(ended.signal, 0) << ended.err;
      EXPECT_EQ(ended.errorLines().size(), ended.exit_code == 0 ? 0U : 1U) << ended.err;
    }
  }
}

TEST_F(BadTrace, WhatIsExportedMustBeKnown) {
  const std::string file = good();
  expectRefused(run({"export", file, "runz", "-o", path("out.csv")}), 2, {"runz", "runs"});
  expectRefused(run({"export", file, "runs", "-o", path("out.doc")}), 2, {"out.doc"});
  EXPECT_FALSE(fs::exists(path("out.csv")));
}

TEST_F(BadTrace, GoodOnePasses) {
  const std::string file = good();
  expectDone(run({"info", file}));
  expectDone(run({"validate", file}));
  const Ended ended = run({"export", file, "runs", "-o", path("out.csv")});
  expectDone(ended);
  EXPECT_GT(fs::file_size(path("out.csv")), 20U);
}

}  // namespace
}  // namespace kvatlas::app_test
