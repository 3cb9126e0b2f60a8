// The checkpoints of tests/data/models with Transformers' results, and a plain full-cache decoder as oracle.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <vector>

#include "capture/model/decoder.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::capture::test {

struct GoldenRun {
  std::vector<TokenId> ids, greedy;
  std::vector<std::int64_t> positions;       // of the logits
  std::vector<float> logits;                 // [positions, vocab]
  std::vector<std::uint32_t> expert_tokens;  // [layers, experts]; empty without experts
  std::vector<float> expert_weight;          // [layers, experts]
};

struct Golden {
  std::string fingerprint;
  std::size_t vocab = 0;
  std::vector<GoldenRun> runs;
};

[[nodiscard]] std::filesystem::path modelFolder(const std::string& name);  // the tiny random ones and "tiny-llama"
[[nodiscard]] Golden loadGolden(const std::string& name);

// A full cache with attention in double precision; with a sliding window over the newest `window` positions.
class FullCache {
 public:
  FullCache(const PrefillResult& prefill, const ModelConfig& config) : m_layers(prefill.cache), m_config(&config) {}
  [[nodiscard]] at::Tensor attend(LayerIndex layer, const at::Tensor& query, const at::Tensor& key,
                                  const at::Tensor& value);

 private:
  std::vector<LayerCache> m_layers;
  const ModelConfig* m_config;
};

[[nodiscard]] TokenId argmax(const at::Tensor& logits);
[[nodiscard]] std::vector<TokenId> decodeGreedy(const Decoder& decoder, const std::vector<TokenId>& ids,
                                                std::size_t count);

// Limits libtorch to one thread during its lifetime: small models gain nothing from more, and lose on a busy machine.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int m_threads;
};

using kvatlas::test::ScratchFolder;

}  // namespace kvatlas::capture::test
