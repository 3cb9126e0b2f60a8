#include "app/trainer/measure.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

namespace kvatlas::trainer {

at::Tensor idTensor(std::span<const std::vector<TokenId>> rows, at::Device device) {
  const auto count = static_cast<std::int64_t>(rows.size()), length = static_cast<std::int64_t>(rows.front().size());
  at::Tensor ids = at::empty({count, length}, at::kLong);
  std::int64_t* data = ids.data_ptr<std::int64_t>();
  for (const auto& row : rows)
    for (const TokenId id : row) *data++ = static_cast<std::int64_t>(id);
  return ids.to(device);
}

double bitsPerByte(const Network& network, const Passages& passages, TokenId bos, std::size_t length,
                   std::size_t windows, at::Device device) {
  const at::NoGradGuard no_grad;
  double nats = 0;
  std::uint64_t bytes = 0;
  std::vector<Watched> unwatched;
  for (std::size_t w = 0; w < windows; ++w) {
    const auto window = passages.window(w * (passages.ids.size() - length) / windows, length);
    const auto first = static_cast<std::size_t>(window.data() - passages.ids.data());
    std::vector<TokenId> ids{bos};
    ids.insert(ids.end(), window.begin(), window.end());
    const at::Tensor row = idTensor(std::span(&ids, 1), device);
    const auto n = static_cast<std::int64_t>(length);
    const at::Tensor logits = network.logits(network.hidden(row.narrow(1, 0, n), {}, unwatched).view({n, -1}));
    nats += at::cross_entropy_loss(logits, row.narrow(1, 1, n).view({-1}), {}, at::Reduction::Sum).item<double>();
    for (std::size_t i = first; i < first + length; ++i) bytes += passages.bytes[i];
  }
  return nats / (std::log(2.0) * static_cast<double>(bytes));
}

double retrieval(const Network& network, const Passages& passages, const text::Tokenizer& tokenizer, Quiz quiz,
                 std::size_t length, std::size_t trials, at::Device device) {
  const at::NoGradGuard no_grad;
  std::size_t right = 0;
  std::vector<Watched> unwatched;
  for (std::size_t trial = 0; trial < trials; ++trial) {
    Random random(0x5EED, {length, trial, static_cast<std::uint64_t>(quiz)});
    const double depth = trials > 1 ? static_cast<double>(trial) / static_cast<double>(trials - 1) : 0.5;
    const QuizRow row = makeQuiz(passages, tokenizer, random, quiz, length, depth);
    const at::Tensor ids = idTensor(std::span(&row.ids, 1), device);
    const auto begin = static_cast<std::int64_t>(row.answer_begin), count = static_cast<std::int64_t>(length) - begin;
    const at::Tensor hidden =
        network.hidden(ids.narrow(1, 0, ids.size(1) - 1), {}, unwatched)[0].narrow(0, begin - 1, count);
    right += network.logits(hidden).argmax(-1).equal(ids[0].narrow(0, begin, count)) ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(trials);
}

}  // namespace kvatlas::trainer
