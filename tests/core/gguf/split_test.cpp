// Models in one GGUF file or in parts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/gguf/model_file.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::gguf {
namespace {

using test::GgufBuilder;
using testing::AllOf;
using testing::HasSubstr;

std::string part(unsigned number, unsigned count, const std::string& tensor) {
  GgufBuilder builder;
  builder.pair("split.no", 2, GgufBuilder::number(static_cast<std::uint16_t>(number)));
  builder.pair("split.count", 2, GgufBuilder::number(static_cast<std::uint16_t>(count)));
  builder.pair("split.tensors.count", 5, GgufBuilder::number(std::int32_t{2}));
  builder.tensor(tensor, 0, {1}, tensor.substr(0, 1) + "xxx");
  return builder.bytes();
}

std::string messageOf(const std::filesystem::path& path) {
  try {
    const ModelFile file(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ModelFile, AnyPartOpensThemAll) {
  const test::ScratchFolder folder;
  folder.write("m-00001-of-00002.gguf", part(0, 2, "a"));
  folder.write("m-00002-of-00002.gguf", part(1, 2, "b"));
  for (const char* name : {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"}) {
    const ModelFile file(folder / name);
    EXPECT_EQ(file.name(), "m");
    ASSERT_NE(file.find("a").tensor, nullptr);
    ASSERT_NE(file.find("b").tensor, nullptr);
    EXPECT_EQ(file.find("b").tensor->bytes.front(), std::byte{'b'});
    EXPECT_EQ(file.find("c").tensor, nullptr);
  }
}

TEST(ModelFile, FingerprintIsTheSha256OfNameSizeAndHeaderOfEachPart) {
  const test::ScratchFolder folder;
  std::string hashed;
  for (unsigned i = 0; i < 2; ++i) {
    const std::string name = i == 0 ? "m-00001-of-00002.gguf" : "m-00002-of-00002.gguf";
    const std::string bytes = part(i, 2, i == 0 ? "a" : "b");
    folder.write(name, bytes);
    const std::size_t header = bytes.find(i == 0 ? "axxx" : "bxxx") / 32 * 32;
    // The header ends before the padding, which is zero; its last field, an offset of 0, is too.
    GgufBuilder builder;
    builder.pair("split.no", 2, GgufBuilder::number(static_cast<std::uint16_t>(i)));
    builder.pair("split.count", 2, GgufBuilder::number(std::uint16_t{2}));
    builder.pair("split.tensors.count", 5, GgufBuilder::number(std::int32_t{2}));
    builder.tensor(i == 0 ? "a" : "b", 0, {1}, "axxx");
    EXPECT_LE(builder.header().size(), header);
    hashed += name + '\0' + GgufBuilder::number(std::uint64_t{bytes.size()}) + builder.header();
  }
  EXPECT_EQ(ModelFile(folder / "m-00001-of-00002.gguf").fingerprint(), sha256Hex(hashed));
}

TEST(ModelFile, PartsThatAreMissingOrOfAnotherSplitAreNamed) {
  const test::ScratchFolder folder;
  const auto first = folder.write("m-00001-of-00002.gguf", part(0, 2, "a"));
  EXPECT_THAT(messageOf(first), AllOf(HasSubstr("m-00002-of-00002.gguf"), HasSubstr("missing")));
  folder.write("m-00002-of-00002.gguf", part(0, 2, "b"));
  EXPECT_THAT(messageOf(first), AllOf(HasSubstr("m-00002-of-00002.gguf"), HasSubstr("split.no")));
  folder.write("m-00002-of-00002.gguf", part(1, 3, "b"));
  EXPECT_THAT(messageOf(first), HasSubstr("split.count"));
  folder.write("m-00002-of-00002.gguf", part(1, 2, "a"));
  EXPECT_THAT(messageOf(first), HasSubstr("stands in m-00001-of-00002.gguf too"));
}

TEST(ModelFile, APartUnderAnotherNameIsNotTakenForTheWhole) {
  const test::ScratchFolder folder;
  EXPECT_THAT(messageOf(folder.write("renamed.gguf", part(0, 2, "a"))), HasSubstr("split.count"));
  EXPECT_EQ(messageOf(folder.write("m-00001-of-00001.gguf", part(0, 1, "a"))), "no error");
  EXPECT_EQ(messageOf(folder.write("m-00003-of-00002.gguf", GgufBuilder().bytes())), "no error");
}

TEST(ModelFile, IsKnownByItsNameOrItsFirstBytes) {
  const test::ScratchFolder folder;
  EXPECT_TRUE(isModelFile(folder.write("blob", GgufBuilder().bytes())));
  EXPECT_TRUE(isModelFile(folder / "absent.gguf"));
  EXPECT_FALSE(isModelFile(folder.write("tokenizer.json", "{}")));
  EXPECT_FALSE(isModelFile(folder.path()));
  std::filesystem::create_directory(folder / "folder.gguf");
  EXPECT_FALSE(isModelFile(folder / "folder.gguf"));
}

}  // namespace
}  // namespace kvatlas::gguf
