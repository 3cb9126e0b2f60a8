#include "app/trainer/corpus.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::trainer {

std::vector<TextFile> readTexts(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".txt") paths.push_back(entry.path());
  if (error) fail("{}: {}", folder.string(), error.message());
  if (paths.empty()) fail("{}: no .txt files to train on", folder.string());
  std::ranges::sort(paths);
  std::vector<TextFile> texts;
  for (const auto& path : paths) texts.push_back({path.stem().string(), readFile(path)});
  return texts;
}

std::span<const TokenId> Passages::window(std::size_t at, std::size_t count) const {
  if (ids.size() < count) fail("the texts hold {} tokens, fewer than the {} of one passage", ids.size(), count);
  const auto start = std::ranges::lower_bound(starts, at);
  const std::size_t first = start == starts.end() ? 0 : *start;
  return std::span(ids).subspan(first + count > ids.size() ? 0 : first, count);
}

Passages encodeTexts(std::span<const TextFile> texts, const text::Tokenizer& tokenizer) {
  Passages passages;
  for (const TextFile& file : texts) {
    const text::Encoding encoding = tokenizer.encode(file.text, false);
    for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
      const std::size_t first = encoding.offsets[i], last = encoding.offsets[i + 1];
      const std::size_t before = first == 0 ? 0 : first - 1;
      const bool sentence = first == 0 || std::string_view(".!?\n").find(file.text[before]) != std::string_view::npos;
      if (sentence && (first == 0 || file.text[first] == ' ')) passages.starts.push_back(passages.ids.size());
      passages.ids.push_back(encoding.ids[i]);
      passages.bytes.push_back(static_cast<std::uint32_t>(last - first));
    }
  }
  return passages;
}

}  // namespace kvatlas::trainer
