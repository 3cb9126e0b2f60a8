// Saves and loads the state that a training run needs to resume.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/trainer/network.h"
#include "app/trainer/optimiser.h"

namespace kvatlas::trainer {

// <folder>/checkpoint.safetensors: parameters, moments, the next step, the seconds spent, a fingerprint of recipe and
// texts.
struct Resumed {
  std::uint64_t step = 0, tokens = 0;
  double seconds = 0;
  std::vector<double> running;  // sums of the current log line
};

void saveCheckpoint(const std::filesystem::path& folder, Parameters& parameters, Optimiser& optimiser,
                    const Resumed& at, const std::string& fingerprint);

// nullopt without a checkpoint. Error when it belongs to another recipe or other texts (unless `accept_other`), or when
// a tensor is missing or has the wrong shape.
[[nodiscard]] std::optional<Resumed> loadCheckpoint(const std::filesystem::path& folder, Parameters& parameters,
                                                    Optimiser& optimiser, const std::string& fingerprint,
                                                    bool accept_other);

// Writes <folder>/config.json and model.safetensors (bf16) in Hugging Face's layout.
void writeModel(const std::filesystem::path& folder, const ModelShape& shape, Parameters& parameters);

// Reads the weights of such a folder. Error when a tensor is missing or has the wrong shape.
void readModel(const std::filesystem::path& folder, const ModelShape& shape, Parameters& parameters);

}  // namespace kvatlas::trainer
