// The container of GGUF: what is read from a whole file, and one sentence for each way a file can be wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/gguf/container.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::gguf {
namespace {

using test::GgufBuilder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class ContainerFile : public testing::Test {
 protected:
  [[nodiscard]] Container open(const std::string& bytes) const { return Container(m_folder.write("m.gguf", bytes)); }
  [[nodiscard]] std::string message(const std::string& bytes) const {
    try {
      (void)open(bytes);
    } catch (const UsageError& error) {
      return std::string("UsageError: ") + error.what();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  [[nodiscard]] std::string message(const GgufBuilder& builder) const { return message(builder.bytes()); }

 private:
  test::ScratchFolder m_folder;
};

GgufBuilder small(std::uint32_t version = 3, std::uint32_t alignment = 32) {
  GgufBuilder builder(version, alignment);
  builder.text("general.architecture", "llama");
  builder.pair("i8", 1, std::string(1, '\xFB'));
  builder.pair("u16", 2, GgufBuilder::number(std::uint16_t{65000}));
  builder.u64("u64", std::uint64_t{1} << 60);
  builder.f32("f32", 0.5F);
  builder.pair("f64", 12, GgufBuilder::number(0.25));
  builder.boolean("yes", true);
  builder.texts("texts", {"a", "", "ü"});
  builder.numbers<float>("scores", 6, {1.5F, -2.0F});
  // An array of two arrays of i32.
  builder.pair("nested", 9,
               GgufBuilder::number(std::uint32_t{9}) + GgufBuilder::number(std::uint64_t{2}) +
                   GgufBuilder::number(std::uint32_t{5}) + GgufBuilder::number(std::uint64_t{1}) +
                   GgufBuilder::number(std::int32_t{7}) + GgufBuilder::number(std::uint32_t{5}) +
                   GgufBuilder::number(std::uint64_t{0}));
  builder.tensor("one", 0, {3}, std::string(12, 'x'));
  builder.tensor("two", 2, {2, 32}, std::string(36, 'y'));
  return builder;
}

TEST_F(ContainerFile, EveryKindOfValueIsRead) {
  for (const std::uint32_t version : {2U, 3U}) {
    for (const std::uint32_t alignment : {1U, 32U, 64U}) {
      SCOPED_TRACE(testing::Message() << version << " " << alignment);
      const Container file = open(small(version, alignment).bytes());
      const Metadata& metadata = file.metadata();
      EXPECT_EQ(metadata.text("general.architecture"), "llama");
      EXPECT_EQ(metadata.number("i8"), -5.0);
      EXPECT_EQ(metadata.integer("u16", 0, 70000), 65000U);
      EXPECT_EQ(metadata.integer("u64", 0, ~std::uint64_t{0}), std::uint64_t{1} << 60);
      EXPECT_EQ(metadata.number("f32"), 0.5);
      EXPECT_EQ(metadata.number("f64"), 0.25);
      EXPECT_EQ(metadata.boolean("yes"), true);
      EXPECT_THAT(metadata.texts("texts", 3), ElementsAre("a", "", "ü"));
      EXPECT_THAT(metadata.numbers("scores", 2), ElementsAre(1.5, -2.0));
      EXPECT_TRUE(metadata.isArray("nested"));
      EXPECT_FALSE(metadata.text("absent"));
      ASSERT_EQ(file.tensors().size(), 2U);
      const StoredTensor& two = file.tensors().at("two");
      EXPECT_THAT(two.shape, ElementsAre(2, 32));
      EXPECT_EQ(std::string(reinterpret_cast<const char*>(two.bytes.data()), two.bytes.size()), std::string(36, 'y'));
      EXPECT_EQ(file.header().size(), small(version, alignment).header().size());
    }
  }
}

TEST_F(ContainerFile, WhatIsAskedForMustBeThere) {
  const Container file = open(small().bytes());
  const Metadata& metadata = file.metadata();
  EXPECT_THROW((void)metadata.text("u64"), Error);
  EXPECT_THROW((void)metadata.integer("i8", 0, 10), Error);
  EXPECT_THROW((void)metadata.integer("u16", 0, 10), Error);
  EXPECT_THROW((void)metadata.integer("f32", 0, 10), Error);
  EXPECT_THROW((void)metadata.number("texts"), Error);
  EXPECT_THROW((void)metadata.boolean("f32"), Error);
  EXPECT_THROW((void)metadata.texts("texts", 2), Error);
  EXPECT_THROW((void)metadata.texts("scores", 2), Error);
  EXPECT_THROW((void)metadata.numbers("texts", 3), Error);
}

TEST_F(ContainerFile, OtherFilesAreNamedForWhatTheyAre) {
  EXPECT_THAT(message(""), AllOf(HasSubstr("m.gguf"), HasSubstr("too short")));
  EXPECT_THAT(message("version https://git-lfs"), HasSubstr("no GGUF file"));
  EXPECT_THAT(message(small(1)), HasSubstr("only versions 2 and 3"));
  EXPECT_THAT(message(small(0x03000000)), HasSubstr("big-endian"));
}

TEST_F(ContainerFile, EveryCutNamesAField) {
  const std::string whole = small().bytes();
  for (std::size_t size = 0; size + 1 < small().header().size(); ++size)
    EXPECT_THAT(message(whole.substr(0, size)), HasSubstr("m.gguf: ")) << size;
  EXPECT_THAT(message(whole.substr(0, whole.size() - 40)), AllOf(HasSubstr("'two'"), HasSubstr("truncated")));
}

TEST_F(ContainerFile, NumbersThatCannotBeAreRefusedBeforeAnythingIsAllocated) {
  std::string counts = small().bytes();
  const std::uint64_t huge = ~std::uint64_t{0};
  std::memcpy(counts.data() + 8, &huge, 8);
  EXPECT_THAT(message(counts), HasSubstr("tensor 2"));
  counts = small().bytes();
  std::memcpy(counts.data() + 16, &huge, 8);
  EXPECT_NE(message(counts), "no error");

  GgufBuilder array;
  array.pair("a", 9, GgufBuilder::number(std::uint32_t{4}) + GgufBuilder::number(huge));
  EXPECT_THAT(message(array), AllOf(HasSubstr("'a'"), HasSubstr("elements")));
  GgufBuilder texts;
  texts.pair("a", 9, GgufBuilder::number(std::uint32_t{8}) + GgufBuilder::number(huge));
  EXPECT_THAT(message(texts), HasSubstr("'a'"));
  GgufBuilder text;
  text.pair("a", 8, GgufBuilder::number(huge));
  EXPECT_THAT(message(text), HasSubstr("'a'"));
  GgufBuilder type;
  type.pair("a", 13, "");
  EXPECT_THAT(message(type), HasSubstr("unknown value type 13"));

  std::string deep;
  for (int i = 0; i < 20; ++i) deep += GgufBuilder::number(std::uint32_t{9}) + GgufBuilder::number(std::uint64_t{1});
  GgufBuilder nested;
  nested.pair("a", 9, deep);
  EXPECT_THAT(message(nested), HasSubstr("deep inside"));
}

TEST_F(ContainerFile, TensorsThatCannotBeAreRefused) {
  const auto with = [&](std::uint32_t type, const std::vector<std::uint64_t>& shape, std::size_t bytes) {
    GgufBuilder builder;
    builder.tensor("t", type, shape, std::string(bytes, 'x'));
    return message(builder);
  };
  EXPECT_EQ(with(0, {2, 2}, 16), "no error");
  EXPECT_THAT(with(99, {2}, 8), HasSubstr("unknown tensor type 99"));
  EXPECT_THAT(with(2, {33}, 36), HasSubstr("blocks of 32"));
  EXPECT_THAT(with(0, {}, 4), HasSubstr("0 dimensions"));
  EXPECT_THAT(with(0, {1, 1, 1, 1, 1}, 4), HasSubstr("5 dimensions"));
  EXPECT_THAT(with(0, {0}, 4), HasSubstr("a size of 0"));
  EXPECT_THAT(with(0, {std::uint64_t{1} << 40, std::uint64_t{1} << 40}, 4), HasSubstr("a size of"));
  EXPECT_THAT(with(0, {1000}, 4), HasSubstr("truncated"));

  GgufBuilder twice;
  twice.tensor("t", 0, {1}, "xxxx");
  twice.tensor("t", 0, {1}, "xxxx");
  EXPECT_THAT(message(twice), HasSubstr("'t': it stands there twice"));
  GgufBuilder keys;
  keys.u32("k", 1);
  keys.u32("k", 1);
  EXPECT_THAT(message(keys), HasSubstr("'k': it stands there twice"));
  GgufBuilder alignment;
  alignment.u32("general.alignment", 24);
  EXPECT_THAT(message(alignment), HasSubstr("a power of two, found 24"));
}

// The offset of the last tensor is the last field of the header.
TEST_F(ContainerFile, OffsetsMustBeAlignedApartAndInside) {
  const auto withOffset = [&](std::uint64_t offset) {
    std::string bytes = small().bytes();
    std::memcpy(bytes.data() + small().header().size() - 8, &offset, 8);
    return message(bytes);
  };
  EXPECT_EQ(withOffset(32), "no error");
  EXPECT_THAT(withOffset(33), HasSubstr("multiple of the alignment"));
  EXPECT_THAT(withOffset(0), HasSubstr("overlap"));
  EXPECT_THAT(withOffset(~std::uint64_t{31}), HasSubstr("leave the"));
}

TEST_F(ContainerFile, NamesWithControlCharactersAreShownHarmlessly) {
  GgufBuilder builder;
  builder.pair("a\x1B[31m\nb", 13, "");
  const std::string text = message(builder);
  EXPECT_EQ(text.find('\x1B'), text.npos);
  EXPECT_EQ(text.find('\n'), text.npos);
}

}  // namespace
}  // namespace kvatlas::gguf
