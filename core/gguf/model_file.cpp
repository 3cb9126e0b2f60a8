#include "core/gguf/model_file.h"

#include <array>
#include <fstream>
#include <optional>

#include "core/base/error.h"
#include "core/base/sha256.h"

namespace kvatlas::gguf {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kExtension = ".gguf";
constexpr std::string_view kOf = "-of-";
constexpr std::size_t kDigits = 5;
constexpr unsigned kMostParts = 99999;

// "model-00002-of-00003.gguf": "model", 3.
struct Split {
  std::string stem;
  unsigned parts = 0;
};

std::optional<unsigned> fiveDigits(std::string_view text) {
  unsigned number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  return number;
}

std::optional<Split> splitOf(const fs::path& path) {
  constexpr std::size_t tail = 1 + kDigits + kOf.size() + kDigits;
  const std::string stem = path.stem().string();
  if (path.extension() != kExtension || stem.size() <= tail) return std::nullopt;
  const std::string_view end = std::string_view(stem).substr(stem.size() - tail);
  const auto part = fiveDigits(end.substr(1, kDigits)), parts = fiveDigits(end.substr(tail - kDigits));
  if (end[0] != '-' || end.substr(1 + kDigits, kOf.size()) != kOf || !part || !parts) return std::nullopt;
  if (*part < 1 || *part > *parts) return std::nullopt;
  return Split{stem.substr(0, stem.size() - tail), *parts};
}

fs::path partPath(const fs::path& path, const Split& split, unsigned part) {
  return path.parent_path() / fmt::format("{}-{:05}{}{:05}{}", split.stem, part, kOf, split.parts, kExtension);
}

void refusePart(const Metadata& metadata, std::string_view key, std::uint64_t expected) {
  const auto found = metadata.integer(key, 0, ~std::uint64_t{0});
  if (found && *found != expected) metadata.refuse(key, fmt::format("{}, found {}", expected, *found));
}

}  // namespace

bool isModelFile(const fs::path& path) {
  std::error_code code;
  if (fs::is_directory(path, code)) return false;
  if (path.extension() == kExtension) return true;
  if (!fs::is_regular_file(path, code)) return false;
  std::array<char, 4> magic{};
  std::ifstream(path, std::ios::binary).read(magic.data(), magic.size());
  return std::string_view(magic.data(), magic.size()) == "GGUF";
}

ModelFile::ModelFile(const fs::path& path) {
  const auto split = splitOf(path);
  for (unsigned part = 1; split && part <= split->parts; ++part) {
    const fs::path file = partPath(path, *split, part);
    std::error_code code;
    if (!fs::exists(file, code))
      fail("{}: missing; it is part {} of {} of {}", file.string(), part, split->parts, path.filename().string());
    m_parts.emplace_back(file);
  }
  if (!split) m_parts.emplace_back(path);
  checkParts();
}

// What the parts say of themselves must fit what they are called, and no tensor may stand in two of them.
void ModelFile::checkParts() const {
  std::uint64_t tensors = 0;
  for (std::size_t i = 0; i < m_parts.size(); ++i) {
    const Metadata& metadata = m_parts[i].metadata();
    const auto count = metadata.integer("split.count", 0, kMostParts);
    if (m_parts.size() == 1 && count && *count > 1)
      metadata.refuse("split.count", fmt::format("1: the file is one part of {}, and its name gives no number; parts "
                                                 "are called NAME-00001-of-{:05}.gguf and so on",
                                                 *count, *count));
    if (m_parts.size() > 1) {
      refusePart(metadata, "split.count", m_parts.size());
      refusePart(metadata, "split.no", i);
    }
    for (const auto& [name, tensor] : m_parts[i].tensors())
      if (find(name).part != &m_parts[i])
        fail("{}: tensor '{}' stands in {} too", metadata.path().string(), printable(name),
             find(name).part->metadata().path().filename().string());
    tensors += m_parts[i].tensors().size();
  }
  if (m_parts.size() > 1) refusePart(metadata(), "split.tensors.count", tensors);
}

std::string ModelFile::name() const {
  const auto split = splitOf(path());
  return split ? split->stem : path().extension() == kExtension ? path().stem().string() : path().filename().string();
}

ModelFile::Found ModelFile::find(std::string_view name) const {
  for (const Container& part : m_parts) {
    const auto found = part.tensors().find(name);
    if (found != part.tensors().end()) return {&found->second, &part};
  }
  return {nullptr, nullptr};
}

std::string ModelFile::fingerprint() const {
  Sha256 sha;
  for (const Container& part : m_parts) {
    const std::string name = part.metadata().path().filename().string();
    sha.add(name.c_str(), name.size() + 1);
    std::array<unsigned char, 8> size{};
    for (std::size_t i = 0; i < size.size(); ++i)
      size[i] = static_cast<unsigned char>(part.file()->bytes().size() >> (8 * i));
    sha.add(size.data(), size.size());
    sha.add(part.header().data(), part.header().size());
  }
  return sha.hex();
}

}  // namespace kvatlas::gguf
