#include "core/evaluation/ruler/ruler_fit.h"

#include <algorithm>

#include "core/base/error.h"

namespace kvatlas::evaluation {
namespace {

struct Placed {
  text::PreparedPrompt prompt;
  std::size_t context_end = 0;  // bytes of the prompt's text before the question
};

Placed place(const RulerText& made, const TextFrame& frame, const text::Tokenizer& tokenizer) {
  std::string text = frame.before + made.head + made.context;
  const std::size_t end = text.size();
  text += made.question + frame.after + made.answer_start;
  const bool special = frame.place == TextFrame::Place::None || frame.adds_special;
  return {encodedPrompt(std::move(text), special, tokenizer), end};
}

// Inserts single tokens of a line break before the question. As text they could merge into fewer.
void pad(Placed& placed, std::size_t count, const text::Tokenizer& tokenizer) {
  text::PreparedPrompt& prompt = placed.prompt;
  const TokenId id = tokenizer.encode("\n", false).ids.back();
  const std::string text = tokenizer.decode(std::vector{id}, true);
  auto& offsets = prompt.offsets;
  const auto at = std::lower_bound(offsets.begin(), offsets.end() - 1, placed.context_end) - offsets.begin();
  const std::uint64_t byte = offsets[static_cast<std::size_t>(at)];
  std::string padding;
  std::vector<std::uint64_t> begins;
  for (std::size_t i = 0; i < count; ++i) {
    begins.push_back(byte + padding.size());
    padding += text;
  }
  prompt.text.insert(byte, padding);
  prompt.ids.insert(prompt.ids.begin() + at, count, id);
  for (auto later = offsets.begin() + at; later != offsets.end(); ++later) *later += padding.size();
  offsets.insert(offsets.begin() + at, begins.begin(), begins.end());
}

// The most units whose prompt has at most the tokens wanted; sizes grow with the units.
template <class SizeOf>
std::size_t mostFitting(const RulerTask& task, std::size_t limit, const RulerSize& size, const SizeOf& size_of) {
  std::size_t fits = task.least_units, too_many = 0;
  if (const std::size_t least = size_of(fits); least > size.tokens)
    failUsage("--lengths {}: the smallest prompt of {} has {} tokens, {} are left for it", size.length, task.name,
              least, size.tokens);
  while (too_many == 0) {
    if (fits == limit)
      failUsage("--lengths {}: all {} documents of {} do not fill {} tokens", size.length, limit, task.name,
                size.tokens);
    const std::size_t next = limit > 0 ? std::min(2 * fits, limit) : 2 * fits;
    (size_of(next) <= size.tokens ? fits : too_many) = next;
  }
  while (too_many - fits > 1) {
    const std::size_t middle = fits + (too_many - fits) / 2;
    (size_of(middle) <= size.tokens ? fits : too_many) = middle;
  }
  return fits;
}

}  // namespace

RulerPrompt fitRuler(const RulerTask& task, const RulerMaterial& material, const Random& random, const RulerSize& size,
                     const TextFrame& frame, const text::Tokenizer& tokenizer) {
  const auto make = [&](std::size_t units) {
    return task.make(material, random, {.number = size.row, .length = size.length, .units = units});
  };
  const std::size_t units = mostFitting(task, mostUnits(task, material), size, [&](std::size_t tried) {
    return place(make(tried), frame, tokenizer).prompt.ids.size();
  });
  RulerPrompt made{.text = make(units)};
  Placed placed = place(made.text, frame, tokenizer);
  made.padding = size.tokens - placed.prompt.ids.size();
  pad(placed, made.padding, tokenizer);
  made.prepared = std::move(placed.prompt);
  for (const std::string& needle : made.text.needles) addLastSpan(made.prepared, "needle", needle);
  addLastSpan(made.prepared, "question", std::string_view(made.text.question).substr(1));
  return made;
}

}  // namespace kvatlas::evaluation
