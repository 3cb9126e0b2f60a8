// How a prompt's tokens were spread over the experts of each layer.
#pragma once

#include <cstdint>
#include <vector>

namespace kvatlas {

struct ExpertUse {
  std::vector<std::uint32_t> tokens;  // [layers, experts] tokens sent to an expert
  std::vector<float> weight;          // [layers, experts] mean over all tokens of the weight given to an expert
};

}  // namespace kvatlas
