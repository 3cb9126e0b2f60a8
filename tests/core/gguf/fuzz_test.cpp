// Thousands of spoiled GGUF files: each is read or refused with one sentence, quickly and within bounded memory.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <random>

#include "core/base/error.h"
#include "core/gguf/dequantise.h"
#include "core/gguf/model_file.h"
#include "core/text/gguf_tokenizer.h"
#include "core/text/tokenizer.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::gguf {
namespace {

using test::GgufBuilder;

std::string model(bool byte_level) {
  GgufBuilder builder;
  builder.text("general.architecture", "llama");
  builder.text("tokenizer.ggml.model", byte_level ? "gpt2" : "llama");
  builder.text("tokenizer.ggml.pre", "llama-bpe");
  std::vector<std::string> tokens{"<unk>", "<s>", "</s>", "a", "b", "ab", "▁", "▁a", "<0x41>", "Ġ"};
  builder.texts("tokenizer.ggml.tokens", tokens);
  builder.numbers<std::int32_t>("tokenizer.ggml.token_type", 5, {2, 3, 3, 1, 1, 1, 1, 1, 6, 4});
  builder.numbers<float>("tokenizer.ggml.scores", 6, {0, 0, 0, -1, -2, -3, -4, -5, 0, 0});
  if (byte_level) builder.texts("tokenizer.ggml.merges", {"a b"});
  builder.u32("tokenizer.ggml.bos_token_id", 1);
  builder.u32("tokenizer.ggml.eos_token_id", 2);
  builder.u32("tokenizer.ggml.unknown_token_id", 0);
  builder.boolean("tokenizer.ggml.add_bos_token", true);
  builder.text("tokenizer.chat_template", "{{ messages }}");
  builder.tensor("a", 2, {2, 32}, std::string(36, 'q'));
  builder.tensor("b", 0, {4}, std::string(16, 'f'));
  return builder.bytes();
}

// What a file could be asked for: its tensors' values, its tokenizer, a text.
void use(const std::filesystem::path& path) {
  const ModelFile file(path);
  for (const auto& [name, tensor] : file.parts().front().tensors()) {
    const TensorLayout& layout = layoutOf(tensor.type);
    std::vector<float> values(tensor.bytes.size() / layout.bytes * layout.elements);
    dequantise(tensor.type, tensor.bytes, values);
  }
  (void)text::readGgufChat(file.metadata());
  const text::Tokenizer tokenizer = text::Tokenizer::load(path);
  (void)tokenizer.encode("ab <s>A\xFF");
}

void spoil(std::string& bytes, std::mt19937& random) {
  static constexpr std::array<std::uint64_t, 8> kNumbers{0,          1,          0x7F,       0xFFFF,
                                                         0x7FFFFFFF, 0xFFFFFFFF, 1ULL << 62, ~std::uint64_t{0}};
  const auto at = [&] { return random() % bytes.size(); };
  for (unsigned i = 0, count = 1 + random() % 3; i < count && bytes.size() > 16; ++i) {
    const std::size_t place = at();
    switch (random() % 5) {
      case 0:
        bytes[place] = static_cast<char>(random());
        break;
      case 1: {
        const std::uint64_t number = kNumbers[random() % kNumbers.size()];
        const std::size_t size = random() % 2 == 0 ? 4 : 8;
        if (place + size <= bytes.size()) std::memcpy(bytes.data() + place, &number, size);
        break;
      }
      case 2:
        bytes.resize(place);
        break;
      case 3:
        bytes.erase(place, 1 + random() % 16);
        break;
      default:
        bytes.insert(place, bytes.substr(at(), 1 + random() % 64));
    }
  }
}

std::uint64_t peakKilobytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss);
}

TEST(GgufFuzz, SpoiledFilesAreReadOrRefused) {
  const test::ScratchFolder folder;
  std::mt19937 random(20240607);
  const std::array originals{model(true), model(false)};
  for (const std::string& original : originals) ASSERT_NO_THROW(use(folder.write("whole.gguf", original)));
  const std::uint64_t before = peakKilobytes();
  std::size_t refused = 0;
  constexpr std::size_t files = 6000;
  for (std::size_t i = 0; i < files; ++i) {
    std::string bytes = originals[i % originals.size()];
    spoil(bytes, random);
    const auto begin = std::chrono::steady_clock::now();
    try {
      use(folder.write("m.gguf", bytes));
    } catch (const Error& error) {
      ++refused;
      const std::string message = error.what();
      EXPECT_NE(message.find("m.gguf"), message.npos) << message;
      EXPECT_EQ(message.find('\n'), message.npos) << message;
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5)) << "file " << i;
  }
  // Most are wrong, some hit what does not matter; a reader that refuses all or takes all is broken.
  EXPECT_GT(refused, files / 4);
  EXPECT_LT(refused, files);
#ifdef __SANITIZE_ADDRESS__  // keeps freed memory in its quarantine
  EXPECT_LT(peakKilobytes() - before, 512U * 1024);
#else
  EXPECT_LT(peakKilobytes() - before, 64U * 1024);
#endif
}

}  // namespace
}  // namespace kvatlas::gguf
