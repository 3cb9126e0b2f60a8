#include "tests/app/spoiled_model.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <stdexcept>

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string readAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string littleEndian(std::uint64_t value) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  return bytes;
}

std::uint64_t headerLength(const std::string& bytes) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < 8; ++i) length |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return length;
}

constexpr const char* kTensors = "model.safetensors";

}  // namespace

SpoiledModel::SpoiledModel(const fs::path& original, fs::path folder) : m_folder(std::move(folder)) {
  fs::create_directories(m_folder);
  for (const auto& entry : fs::directory_iterator(original)) {
    if (!entry.path().filename().string().starts_with("golden")) fs::copy(entry.path(), m_folder);
  }
}

void SpoiledModel::editJson(const std::string& file, const Edit& edit) const {
  json document = json::parse(readAll(m_folder / file));
  edit(document);
  write(file, document.dump());
}

void SpoiledModel::editTensors(const Edit& edit) const {
  const std::string bytes = readAll(m_folder / kTensors);
  const std::uint64_t length = headerLength(bytes);
  json header = json::parse(bytes.substr(8, length));
  edit(header);
  const std::string text = header.dump();
  write(kTensors, littleEndian(text.size()) + text + bytes.substr(8 + length));
}

void SpoiledModel::scaleTensor(const std::string& name, double factor) const {
  std::string bytes = readAll(m_folder / kTensors);
  const std::uint64_t data = 8 + headerLength(bytes);
  const json tensor = json::parse(bytes.substr(8, data - 8)).at(name);
  if (tensor.at("dtype") != "F32") throw std::runtime_error(name + " is not f32");
  const auto begin = tensor.at("data_offsets")[0].get<std::uint64_t>(),
             end = tensor.at("data_offsets")[1].get<std::uint64_t>();
  constexpr double largest = std::numeric_limits<float>::max();
  for (std::uint64_t at = data + begin; at < data + end; at += sizeof(float)) {
    float value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    value = static_cast<float>(std::clamp(double(value) * factor, -largest, largest));
    std::memcpy(bytes.data() + at, &value, sizeof value);
  }
  write(kTensors, bytes);
}

void SpoiledModel::write(const std::string& file, const std::string& bytes) const {
  fs::remove(m_folder / file);
  std::ofstream(m_folder / file, std::ios::binary) << bytes;
}

void SpoiledModel::setHeaderLength(std::uint64_t length) const {
  write(kTensors, littleEndian(length) + readAll(m_folder / kTensors).substr(8));
}
void SpoiledModel::shorten(const std::string& file, std::uint64_t bytes) const {
  fs::resize_file(m_folder / file, fs::file_size(m_folder / file) - bytes);
}
void SpoiledModel::remove(const std::string& file) const {
  fs::remove(m_folder / file);
}

void writeHollowModel(const fs::path& folder, int layers) {
  constexpr std::uint64_t hidden = 256, inner = 704, vocabulary = 64;
  fs::create_directories(folder);
  std::ofstream(folder / "config.json") << json{
      {"architectures", {"LlamaForCausalLM"}}, {"hidden_size", hidden},      {"intermediate_size", inner},
      {"num_hidden_layers", layers},           {"num_attention_heads", 4},   {"vocab_size", vocabulary},
      {"max_position_embeddings", 512},        {"tie_word_embeddings", true}};
  json header = json::object();
  std::uint64_t end = 0;
  const auto add = [&](const std::string& name, const std::vector<std::uint64_t>& shape) {
    const std::uint64_t begin = end;
    end += 2 * (shape.size() == 1 ? shape[0] : shape[0] * shape[1]);
    header[name] = {{"dtype", "BF16"}, {"shape", shape}, {"data_offsets", {begin, end}}};
  };
  add("model.embed_tokens.weight", {vocabulary, hidden});
  add("model.norm.weight", {hidden});
  for (int layer = 0; layer < layers; ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    for (const char* name : {"input_layernorm", "post_attention_layernorm"}) add(prefix + name + ".weight", {hidden});
    for (const char* name : {"q_proj", "k_proj", "v_proj", "o_proj"})
      add(prefix + "self_attn." + name + ".weight", {hidden, hidden});
    for (const char* name : {"gate_proj", "up_proj"}) add(prefix + "mlp." + name + ".weight", {inner, hidden});
    add(prefix + "mlp.down_proj.weight", {hidden, inner});
  }
  const std::string text = header.dump();
  std::ofstream(folder / kTensors, std::ios::binary) << littleEndian(text.size()) << text;
  fs::resize_file(folder / kTensors, 8 + text.size() + end);
}

}  // namespace kvatlas::app_test
