// Safetensors files, most of them hostile, written byte by byte.
#include "capture/model/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "tests/capture/model/golden.h"

namespace kvatlas::capture::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string lengthField(std::uint64_t length) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(length >> (8 * i) & 0xff);
  return bytes;
}

std::string fileOf(const std::string& header, const std::string& data) {
  return lengthField(header.size()) + header + data;
}

std::string refusal(const std::string& bytes) {
  const ScratchFolder folder;
  try {
    const SafetensorsFile file(folder.write("weights.safetensors", bytes));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Safetensors, ReadsTensorsMetadataAndHoles) {
  const ScratchFolder folder;
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[3],"data_offsets":[20,26]},)"
      R"("a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"none":{"dtype":"I64","shape":[0,4],"data_offsets":[3,3]}})";
  std::string data(30, '\0');
  const float numbers[4] = {1, 2, 3, 4};
  std::memcpy(data.data(), numbers, sizeof numbers);
  const SafetensorsFile file(folder.write("w.safetensors", fileOf(header, data)));
  const StoredTensor* a = file.find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->dtype, "F32");
  EXPECT_EQ(a->shape, (std::vector<std::int64_t>{2, 2}));
  ASSERT_EQ(a->bytes.size(), 16U);
  EXPECT_EQ(std::memcmp(a->bytes.data(), numbers, 16), 0);
  EXPECT_EQ(file.find("b")->bytes.size(), 6U);
  EXPECT_EQ(file.find("none")->bytes.size(), 0U);
  EXPECT_EQ(file.find("__metadata__"), nullptr);
  EXPECT_EQ(file.find("c"), nullptr);
  EXPECT_EQ(file.header().size(), 8 + header.size());
}

TEST(Safetensors, FollowsALinkToAFile) {
  const ScratchFolder folder;
  folder.write("blob", fileOf("{}", ""));
  std::filesystem::create_symlink("blob", folder.path() / "w.safetensors");
  EXPECT_EQ(SafetensorsFile(folder.path() / "w.safetensors").find("x"), nullptr);
}

TEST(Safetensors, RefusesWhatIsNoRegularFile) {
  const ScratchFolder folder;
  EXPECT_THROW(SafetensorsFile(folder.path() / "nothing"), Error);
  EXPECT_THROW(SafetensorsFile(folder.path()), Error);
  ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  EXPECT_THROW(SafetensorsFile(folder.path() / "pipe"), Error);  // without waiting for a writer
}

TEST(Safetensors, RefusesAbsurdHeaderLengths) {
  EXPECT_THAT(refusal(""), AllOf(HasSubstr("weights.safetensors"), HasSubstr("too few")));
  EXPECT_THAT(refusal("1234567"), HasSubstr("too few"));
  EXPECT_THAT(refusal(lengthField(~0ULL) + "{}"), HasSubstr("18446744073709551615"));
  EXPECT_THAT(refusal(lengthField(100'000'001) + "{}"), HasSubstr("at most 100000000"));
  EXPECT_THAT(refusal(lengthField(3) + "{}"), HasSubstr("truncated"));
}

TEST(Safetensors, RefusesBrokenHeaders) {
  EXPECT_THAT(refusal(fileOf("", "")), HasSubstr("JSON"));
  EXPECT_THAT(refusal(fileOf("{\"a\":", "")), HasSubstr("JSON"));
  EXPECT_THAT(refusal(fileOf("[]", "")), HasSubstr("object"));
  EXPECT_THAT(refusal(fileOf("{} {}", "")), HasSubstr("JSON"));
  EXPECT_THAT(refusal(fileOf("{\"a\": 3}", "")), HasSubstr("tensor 'a'"));
  EXPECT_THAT(refusal(fileOf(std::string("{\"\xff\":1}"), "")), HasSubstr("JSON"));
  EXPECT_THAT(refusal(fileOf(std::string(1'000'000, '['), "")), HasSubstr("nests too deeply"));
}

struct Hostile {
  const char* entry;  // of tensor "a", beside a valid "z" over bytes 0–16, in a file with 32 bytes of data
  const char* says;
};

TEST(Safetensors, RefusesHostileEntriesByTensorAndField) {
  const Hostile cases[] = {
      {R"({"dtype":"F32","shape":[4],"data_offsets":[20,36]})", "only 32 bytes"},
      {R"({"dtype":"F32","shape":[4],"data_offsets":[18446744073709551600,18446744073709551615]})", "only 32 bytes"},
      {R"({"dtype":"F32","shape":[4],"data_offsets":[32,16]})", "reversed"},
      {R"({"dtype":"F32","shape":[4],"data_offsets":[-16,0]})", "[begin, end]"},
      {R"({"dtype":"F32","shape":[4],"data_offsets":[16]})", "[begin, end]"},
      {R"({"dtype":"F32","shape":[4],"data_offsets":[16.5,32]})", "[begin, end]"},
      {R"({"dtype":"F32","shape":[3],"data_offsets":[16,32]})", "span 16 bytes, dtype F32 and shape need 12"},
      {R"({"dtype":"F32","shape":[5],"data_offsets":[16,32]})", "need 20"},
      {R"({"dtype":"F32","shape":[4],"data_offsets":[8,24]})", "overlap"},
      {R"({"dtype":"F32","shape":[4],"data_offsets":[0,16]})", "overlap"},
      {R"({"dtype":"F32","shape":[-4],"data_offsets":[16,32]})", "whole numbers"},
      {R"({"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[16,32]})", "elements"},
      {R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[16,32]})", "whole numbers"},
      {R"({"dtype":"F32","shape":[0,4611686018427387904],"data_offsets":[16,16]})", "whole numbers"},
      {R"({"dtype":"F32","shape":4,"data_offsets":[16,32]})", "'shape'"},
      {R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,4],"data_offsets":[16,32]})", "at most 16"},
      {R"({"dtype":"F31","shape":[4],"data_offsets":[16,32]})", "unknown dtype 'F31'"},
      {R"({"dtype":4,"shape":[4],"data_offsets":[16,32]})", "'dtype'"},
      {R"({"shape":[4],"data_offsets":[16,32]})", "no field 'dtype'"},
      {R"({"dtype":"F32","data_offsets":[16,32]})", "no field 'shape'"},
      {R"({"dtype":"F32","shape":[4]})", "no field 'data_offsets'"},
  };
  for (const Hostile& hostile : cases) {
    const std::string header =
        std::string(R"({"z":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"a":)") + hostile.entry + "}";
    EXPECT_THAT(refusal(fileOf(header, std::string(32, 'x'))),
                AllOf(HasSubstr("weights.safetensors"), HasSubstr("'a'"), HasSubstr(hostile.says)))
        << hostile.entry;
  }
}

TEST(Safetensors, RefusesANameThatStandsTwice) {
  const std::string entry = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  EXPECT_THAT(refusal(fileOf("{\"a\":" + entry + ",\"a\":" + entry + "}", "xxxx")), HasSubstr("'a' is listed twice"));
}

// Each in the time of the next: in quadratic time, this would not end within the limit of a test.
TEST(Safetensors, ManyTensorsTakeTimeInProportion) {
  std::string header = "{";
  for (int i = 0; i < 1'000'000; ++i) header += "\"" + std::to_string(i) + "\":{},";
  header.back() = '}';
  EXPECT_THAT(refusal(fileOf(header, "")), HasSubstr("no field 'dtype'"));
}

TEST(Safetensors, EveryTruncationIsAnErrorAndNothingElse) {
  const std::string whole = fileOf(R"({"a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]}})", "12345678");
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(refusal(whole.substr(0, size)), "no error") << size;
  EXPECT_EQ(refusal(whole), "no error");
}

TEST(Safetensors, SingleByteCorruptionNeverDoesMoreThanRaiseAnError) {
  const std::string whole = fileOf(
      R"({"a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]},"b":{"dtype":"I8","shape":[],"data_offsets":[9,10]}})",
      std::string(10, 'x'));
  const ScratchFolder folder;
  for (std::size_t at = 0; at < whole.size() - 10; ++at)
    for (const char byte : {'\0', '9', '"', '}', '\xff'}) {
      std::string bytes = whole;
      bytes[at] = byte;
      try {
        const SafetensorsFile file(folder.write("w", bytes));
        if (const StoredTensor* tensor = file.find("a")) {
          EXPECT_LE(tensor->bytes.size(), 10U);
        }
      } catch (const Error&) {
      }
    }
}

}  // namespace
}  // namespace kvatlas::capture::test
