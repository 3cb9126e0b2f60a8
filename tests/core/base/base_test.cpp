// The base library: suggestions, atomic file writes, errors, cancellation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/console.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json_depth.h"
#include "core/base/json_field.h"
#include "core/base/json_keys.h"
#include "core/base/line_reader.h"
#include "core/base/output_file.h"
#include "core/base/progress.h"
#include "core/base/python_json.h"
#include "core/base/sha256.h"
#include "core/base/suggest.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// An empty folder per test, deleted afterwards.
class FilesTest : public testing::Test {
 protected:
  [[nodiscard]] fs::path file(const std::string& name) const { return m_folder / name; }
  void put(const std::string& name, std::string_view bytes) const {
    std::ofstream(file(name), std::ios::binary) << bytes;
  }
  [[nodiscard]] std::vector<std::string> listing() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(m_folder.path())) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  test::ScratchFolder m_folder;
};

template <class Action>
std::string messageOf(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Suggestion, NamesTheNearest) {
  const std::vector<std::string> known{"full", "streamingllm", "h2o", "snapkv", "pyramidkv"};
  EXPECT_EQ(suggestion("snapvk", known), ", did you mean 'snapkv'?");
  EXPECT_EQ(suggestion("streaming", known), ", did you mean 'streamingllm'?");
  EXPECT_EQ(suggestion("h20", known), ", did you mean 'h2o'?");
  EXPECT_EQ(suggestion("fulll", known), ", did you mean 'full'?");
}

TEST(Suggestion, NamesAllNearMatches) {
  EXPECT_THAT(suggestion("--max", {"--max-a", "--max-b", "--other"}),
              AllOf(HasSubstr("'--max-a' or '--max-b'"), Not(HasSubstr("other"))));
}

TEST(Suggestion, ListsEverythingWhenNoneIsNear) {
  EXPECT_THAT(suggestion("zzzzzz", {"full", "h2o"}), AllOf(HasSubstr("full, h2o"), Not(HasSubstr("did you mean"))));
  EXPECT_THAT(suggestion("", {"full", "h2o"}), HasSubstr("full, h2o"));
}

TEST(Errors, AreSentencesOfTheirType) {
  EXPECT_EQ(messageOf([] { fail("{}: {} is wrong", "a.bin", 3); }), "a.bin: 3 is wrong");
  EXPECT_THROW(failUsage("no"), UsageError);
  EXPECT_THROW(throw Cancelled(), Error);
  EXPECT_EQ(systemMessage("x", ENOSPC), "x: No space left on device");
}

TEST(WorkContext, ThrowsOnceAStopWasRequested) {
  std::stop_source source;
  WorkContext work;
  work.stop = source.get_token();
  EXPECT_NO_THROW(work.checkStop());
  source.request_stop();
  EXPECT_THROW(work.checkStop(), Cancelled);
}

TEST_F(FilesTest, ReadsWhatWasWritten) {
  std::string bytes(200000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  writeFileAtomically(file("a"), bytes);
  EXPECT_EQ(readFile(file("a")), bytes);
  writeFileAtomically(file("a"), "");
  EXPECT_EQ(readFile(file("a")), "");
  EXPECT_THAT(listing(), testing::ElementsAre("a"));
}

TEST_F(FilesTest, ReadErrorsNameTheFile) {
  EXPECT_THAT(messageOf([&] { (void)readFile(file("missing")); }),
              AllOf(HasSubstr(file("missing").string()), HasSubstr("No such file")));
  EXPECT_THAT(messageOf([&] { (void)readFile(file("")); }), HasSubstr("is a folder"));
  put("big", std::string(1001, 'x'));
  EXPECT_THAT(messageOf([&] { (void)readFile(file("big"), 1000); }),
              AllOf(HasSubstr(file("big").string()), HasSubstr("larger than the limit of 1000 bytes")));
  EXPECT_EQ(readFile(file("big"), 1001).size(), 1001U);
}

// The limit applies before allocation, so reading an endless file ends too.
TEST_F(FilesTest, ReadingAnEndlessFileStopsAtTheLimit) {
  EXPECT_THAT(messageOf([] { (void)readFile("/dev/zero", 1 << 20); }), HasSubstr("larger than"));
}

TEST_F(FilesTest, LinesComeOneByOneWithWhatEndsThem) {
  const std::string longest(150'000, 'x');  // more than is read at once
  put("lines", "one\n\n" + longest + "\nlast");
  LineReader lines(file("lines"), longest.size());
  std::string line;
  for (const std::string& expected : {std::string("one"), std::string(), longest}) {
    ASSERT_TRUE(lines.next(line));
    EXPECT_EQ(line, expected);
    EXPECT_TRUE(lines.ended());
  }
  EXPECT_EQ(lines.where(), file("lines").string() + ":3");
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "last");
  EXPECT_FALSE(lines.ended());
  EXPECT_FALSE(lines.next(line));
}

TEST_F(FilesTest, ALineOverTheLimitIsNamedBeforeItIsRead) {
  put("lines", "a\n" + std::string(1001, 'x') + "\n");
  std::string line;
  EXPECT_THAT(messageOf([&] {
                LineReader lines(file("lines"), 1000);
                while (lines.next(line)) {
                }
              }),
              AllOf(HasSubstr(file("lines").string() + ":2"), HasSubstr("a line of more than 1000 bytes")));
  EXPECT_THAT(messageOf([&] { (void)LineReader("/dev/zero", 1 << 20).next(line); }), HasSubstr("more than"));
  EXPECT_THAT(messageOf([&] { LineReader(file("missing"), 1); }), HasSubstr("No such file"));
  EXPECT_THAT(messageOf([&] { LineReader(file(""), 1); }), HasSubstr("is a folder"));
}

TEST_F(FilesTest, JsonErrorsNameFileAndPlace) {
  put("good.json", R"({"a": [1, 2]})");
  EXPECT_EQ(readJsonFile(file("good.json"))["a"][1], 2);
  for (const char* text : {"", "{", "{\"a\": }", "[1, 2", "\xff\xfe", "{} {}", "nan"}) {
    put("bad.json", text);
    EXPECT_THAT(messageOf([&] { (void)readJsonFile(file("bad.json")); }),
                AllOf(HasSubstr(file("bad.json").string()), HasSubstr("not valid JSON"), HasSubstr("line 1")))
        << text;
  }
}

// What Python's json module writes and reads.
TEST_F(FilesTest, JsonMayHoldTheNumbersOfPython) {
  put("python.json", R"({"NaN": [NaN, Infinity, -Infinity, -1], "a\"NaN": "\\", "b": "-Infinity \"NaN"})");
  const nlohmann::json json = readJsonFile(file("python.json"));
  EXPECT_TRUE(std::isnan(json["NaN"][0].get<double>()));
  EXPECT_EQ(json["NaN"][1].get<double>(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(json["NaN"][2].get<double>(), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(json["NaN"][3], -1);
  EXPECT_EQ(json["a\"NaN"], "\\");
  EXPECT_EQ(json["b"], "-Infinity \"NaN");
  for (const char* text : {"{NaN: 1}", "[NaNNaN]", "[+Infinity]", "[NaN"}) {
    put("bad.json", text);
    EXPECT_THAT(messageOf([&] { (void)readJsonFile(file("bad.json")); }), HasSubstr("not valid JSON")) << text;
  }
}

TEST_F(FilesTest, PointersOfGitLfsAreNamed) {
  put("pointer.json", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n");
  EXPECT_THAT(messageOf([&] { (void)readJsonFile(file("pointer.json")); }),
              AllOf(HasSubstr(file("pointer.json").string()), HasSubstr("Git LFS pointer")));
}

TEST_F(FilesTest, MissingFoldersAreNamedAndNotCreated) {
  EXPECT_THAT(messageOf([&] { writeFileAtomically(file("no/such/x"), "abc"); }),
              AllOf(HasSubstr(file("no/such/x").string()), HasSubstr("No such file")));
  EXPECT_TRUE(listing().empty());
}

TEST_F(FilesTest, AFolderAtTheTargetStaysAndNoPartFileRemains) {
  fs::create_directory(file("target"));
  put("target/inside", "1");
  EXPECT_THAT(messageOf([&] { writeFileAtomically(file("target"), "abc"); }), HasSubstr(file("target").string()));
  EXPECT_THAT(listing(), testing::ElementsAre("target"));
  EXPECT_EQ(readFile(file("target/inside")), "1");
}

TEST_F(FilesTest, LinksAndPipesAreNeverReplaced) {
  put("real", "1");
  fs::create_symlink(file("real"), file("link"));
  ASSERT_EQ(mkfifo(file("pipe").c_str(), 0600), 0);
  for (const char* name : {"link", "pipe"})
    EXPECT_THAT(messageOf([&] { writeFileAtomically(file(name), "abc"); }),
                AllOf(HasSubstr(name), HasSubstr("not a regular file")));
  EXPECT_TRUE(fs::is_symlink(file("link")));
  EXPECT_TRUE(fs::is_fifo(file("pipe")));
  EXPECT_EQ(readFile(file("real")), "1");
}

// A file-size limit simulates a full disk: writing stops midway, the old content stays, no part file is left.
TEST_F(FilesTest, AFullDiskLeavesTheOldFile) {
  put("target", "old");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit low = before;
  low.rlim_cur = 4096;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  const std::string message = messageOf([&] { writeFileAtomically(file("target"), std::string(100000, 'x')); });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(message, AllOf(HasSubstr(file("target").string()), HasSubstr("too large")));
  EXPECT_EQ(readFile(file("target")), "old");
  EXPECT_THAT(listing(), testing::ElementsAre("target"));
}

// FIPS 180-2, appendix B.1 and B.2.
TEST_F(FilesTest, WhatStandsUnderTheTemporaryNameIsNeverTouched) {
  put("victim", "precious");
  fs::create_symlink(file("victim"), file("link.part"));
  EXPECT_THAT(messageOf([&] { writeFileAtomically(file("link"), "new"); }), HasSubstr("link.part is a link"));
  ASSERT_EQ(::mkfifo(file("pipe.part").c_str(), 0666), 0);
  EXPECT_THAT(messageOf([&] { writeFileAtomically(file("pipe"), "new"); }), HasSubstr("pipe.part is in the way"));
  fs::create_hard_link(file("victim"), file("twin.part"));
  EXPECT_THAT(messageOf([&] { writeFileAtomically(file("twin"), "new"); }), HasSubstr("several names"));
  EXPECT_EQ(readFile(file("victim")), "precious");
  EXPECT_EQ(listing(), (std::vector<std::string>{"link.part", "pipe.part", "twin.part", "victim"}));
}

TEST_F(FilesTest, TwoWritersOfOneFileDoNotMix) {
  {
    OutputFile first(file("out"));
    first.write("first");
    EXPECT_THAT(messageOf([&] { OutputFile second(file("out")); }), HasSubstr("another process is writing"));
    first.complete();
    OutputFile third(file("out"));  // the first one's file has its own name by now
    third.write("third");
    EXPECT_EQ(readFile(file("out")), "first");
    third.complete();
  }
  EXPECT_EQ(readFile(file("out")), "third");
  EXPECT_EQ(listing(), std::vector<std::string>{"out"});
}

TEST_F(FilesTest, TheRestOfAKilledWriterIsTakenOver) {
  put("out.part", "a long rest of a killed process");
  writeFileAtomically(file("out"), "new");
  EXPECT_EQ(readFile(file("out")), "new");
  EXPECT_EQ(listing(), std::vector<std::string>{"out"});
}

TEST_F(FilesTest, AFileThatAnotherProcessPutInItsPlaceIsNotRenamed) {
  OutputFile output(file("out"));
  output.write("mine");
  fs::remove(file("out.part"));
  put("out.part", "of another");
  EXPECT_THAT(messageOf([&] { output.complete(); }), HasSubstr("No such file"));
  EXPECT_EQ(listing(), std::vector<std::string>{"out.part"});
}

TEST_F(FilesTest, DeepJsonIsRefusedBeforeItIsParsed) {
  put("deep.json", std::string(200'000, '[') + std::string(200'000, ']'));
  EXPECT_THAT(messageOf([&] { (void)readJsonFile(file("deep.json")); }),
              AllOf(HasSubstr("deep.json"), HasSubstr("nested deeper than 64")));
  EXPECT_FALSE(isDeeperThan(R"(["[[[[", "\"[[[", [1, [2]]])", 3));
  EXPECT_TRUE(isDeeperThan(R"(["[[[[", "\"[[[", [1, [2]]])", 2));
  EXPECT_FALSE(isDeeperThan("[][][][][]", 1));
}

// In quadratic time, as in a callback of the parser, this would not end within the limit of a test.
TEST_F(FilesTest, LongListsOfObjectsTakeTimeInProportion) {
  std::string list = "[";
  for (int i = 0; i < 1'000'000; ++i) list += "{},";
  EXPECT_EQ(parseJson(list + "{}]", "list").size(), 1'000'001U);
  EXPECT_EQ(parsePythonJson(list + "NaN]").size(), 1'000'001U);
}

TEST(JsonKeys, OfTheOutermostObjectKeepTheirOrder) {
  EXPECT_THAT(outermostKeys(R"({"b": {"z": 1}, "a": [{"y": 2}], "b": 3})"), testing::ElementsAre("b", "a"));
}

TEST(JsonKeys, OfTheOutermostObjectThatStandTwice) {
  EXPECT_EQ(repeatedKey(R"({"a": 1, "b": {"a": 2, "a": 3}, "\u0061": 4})"), "a");
  for (const char* good :
       {R"({"a": {"b": 1}, "b": [{"a": 1}]})", R"([{"a": 1, "a": 2}])", "3", "", R"({"a": 1,, "a": 2})"})
    EXPECT_EQ(repeatedKey(good), std::nullopt) << good;
}

TEST(Console, TextFromFilesIsHarmless) {
  EXPECT_EQ(printable("plain Größe 你好 🦙"), "plain Größe 你好 🦙");
  EXPECT_EQ(printable("a\x1b[31mred\r\n\t\x07\x7f"), "a\\u001b[31mred\\u000d\\u000a\\u0009\\u0007\\u007f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m \xe2\x80\xae"),
            "\\u009b31m \\u202e")
      << "C1, right-to-left override";
  EXPECT_EQ(printable("a\xff"
                      "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(printable("12345", 3), "123…");
  EXPECT_EQ(printable("123", 3), "123");
  EXPECT_EQ(printable(std::string(100'000'000, 'x')).size(), kMostShown + 3);
  EXPECT_EQ(printableLines("a\n\tb\x1b"), "a\n\tb\\u001b");
}

TEST(Sha256, IsThatOfTheStandard) {
  EXPECT_EQ(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 pieces;
  for (const char* piece : {"abcdbcdecdefdefgefghfghighij", "", "hijkijkljklmklmnlmnomnopnopq"})
    pieces.add(piece, std::char_traits<char>::length(piece));
  EXPECT_EQ(pieces.hex(), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

}  // namespace
}  // namespace kvatlas
