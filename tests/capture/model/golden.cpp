#include "tests/capture/model/golden.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>

#include "core/base/files.h"

namespace kvatlas::capture::test {

namespace fs = std::filesystem;

namespace {

// The GPU kit carries these parts of the source tree to another machine.
fs::path sourceFolder() {
  const char* given = std::getenv("KVATLAS_SOURCE");
  return given != nullptr ? given : KVATLAS_SOURCE_DIR;
}

}  // namespace

fs::path modelFolder(const std::string& name) {
  return sourceFolder() / (name == "tiny-llama" ? "resources/models" : "tests/data/models") / name;
}

Golden loadGolden(const std::string& name) {
  const fs::path folder = sourceFolder() / "tests/data/models" / name;
  const nlohmann::json json = readJsonFile(folder / "golden.json");
  const std::string bytes = readFile(folder / "golden.f32");
  Golden golden{json["fingerprint"], json["vocab"], {}};
  std::size_t offset = 0;
  for (const nlohmann::json& entry : json["runs"]) {
    GoldenRun run{entry["ids"], entry["greedy"], entry["positions"], {}, {}, {}};
    if (entry.contains("experts")) {
      const nlohmann::json& experts = entry["experts"];
      for (const nlohmann::json& layer : experts["tokens"])
        run.expert_tokens.insert(run.expert_tokens.end(), layer.begin(), layer.end());
      for (const nlohmann::json& layer : experts["weight"])
        run.expert_weight.insert(run.expert_weight.end(), layer.begin(), layer.end());
    }
    run.logits.resize(run.positions.size() * golden.vocab);
    const std::size_t size = run.logits.size() * sizeof(float);
    if (offset + size > bytes.size()) throw std::runtime_error(name + ": golden.f32 is too short");
    std::memcpy(run.logits.data(), bytes.data() + offset, size);
    offset += size;
    golden.runs.push_back(std::move(run));
  }
  return golden;
}

at::Tensor FullCache::attend(LayerIndex layer, const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value) {
  LayerCache& cache = m_layers[layer.value];
  cache.key = at::cat({cache.key, key.transpose(0, 1)}, 1);
  cache.value = at::cat({cache.value, value.transpose(0, 1)}, 1);
  const std::int64_t count = cache.key.size(1);
  const auto window = static_cast<std::int64_t>(m_config->sliding_window);
  const std::int64_t first = window > 0 ? std::max<std::int64_t>(0, count - window) : 0;
  const std::int64_t group = m_config->query_heads / m_config->kv_heads;
  std::vector<at::Tensor> heads;
  for (std::int64_t head = 0; head < m_config->query_heads; ++head) {
    const at::Tensor keys = cache.key[head / group].slice(0, first).to(at::kDouble);
    const at::Tensor values = cache.value[head / group].slice(0, first).to(at::kDouble);
    const at::Tensor scores =
        at::matmul(keys, query[0][head].to(at::kDouble)) / std::sqrt(static_cast<double>(m_config->head_dim));
    heads.push_back(at::matmul(at::softmax(scores, 0), values));
  }
  return at::stack(heads).unsqueeze(0).to(query.scalar_type());
}

TokenId argmax(const at::Tensor& logits) {
  const float* values = logits.const_data_ptr<float>();
  return static_cast<TokenId>(std::max_element(values, values + logits.numel()) - values);
}

std::vector<TokenId> decodeGreedy(const Decoder& decoder, const std::vector<TokenId>& ids, std::size_t count) {
  const PrefillResult prefill = decoder.prefill(ids, nullptr, {});
  FullCache cache(prefill, decoder.config());
  const StepAttention attention = [&](LayerIndex layer, const at::Tensor& query, const at::Tensor& key,
                                      const at::Tensor& value) { return cache.attend(layer, query, key, value); };
  std::vector<TokenId> greedy{argmax(prefill.next_logits)};
  while (greedy.size() < count) {
    const std::uint64_t position = ids.size() + greedy.size() - 1;
    greedy.push_back(argmax(decoder.step(std::array{greedy.back()}, std::array{position}, ids.size(), attention)));
  }
  return greedy;
}

OneThread::OneThread() : m_threads(at::get_num_threads()) {
  at::set_num_threads(1);
}
OneThread::~OneThread() {
  at::set_num_threads(m_threads);
}

}  // namespace kvatlas::capture::test
