// Everything a run needs to go on where it stopped; knows no task.
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
  std::vector<double> running;  // sums of the log line that is being gathered
};

void saveCheckpoint(const std::filesystem::path& folder, Parameters& parameters, Optimiser& optimiser,
                    const Resumed& at, const std::string& fingerprint);

// Empty when there is none. Error when it belongs to another recipe or other texts, unless `accept_other`, or when a
// tensor is missing or has another shape.
[[nodiscard]] std::optional<Resumed> loadCheckpoint(const std::filesystem::path& folder, Parameters& parameters,
                                                    Optimiser& optimiser, const std::string& fingerprint,
                                                    bool accept_other);

// <folder>/config.json and model.safetensors (bf16) in Hugging Face's layout.
void writeModel(const std::filesystem::path& folder, const ModelShape& shape, Parameters& parameters);

// The weights of such a folder into the parameters. Error when a tensor is missing or has another shape.
void readModel(const std::filesystem::path& folder, const ModelShape& shape, Parameters& parameters);

}  // namespace kvatlas::trainer
