// Measures a model on held-out text and held-out facts.
#pragma once

#include <cstdint>
#include <vector>

#include "app/trainer/corpus.h"
#include "app/trainer/network.h"
#include "app/trainer/tasks.h"

namespace kvatlas::trainer {

// Bits per byte of text over `windows` windows of `length` tokens, spread evenly over the passages.
[[nodiscard]] double bitsPerByte(const Network& network, const Passages& passages, TokenId bos, std::size_t length,
                                 std::size_t windows, at::Device device);

// Share of prompts whose whole answer is the model's greedy choice, over `trials` prompts of `length` tokens with the
// fact at evenly spaced depths. Always the same prompts.
[[nodiscard]] double retrieval(const Network& network, const Passages& passages, const text::Tokenizer& tokenizer,
                               Quiz quiz, std::size_t length, std::size_t trials, at::Device device);

// ids as a [rows, length] tensor on the device.
[[nodiscard]] at::Tensor idTensor(std::span<const std::vector<TokenId>> rows, at::Device device);

}  // namespace kvatlas::trainer
