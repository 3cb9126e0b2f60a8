// Facts to plant in a text and the questions about them, made from a seed; knows no tokenizer, no model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/random.h"

namespace kvatlas::evaluation {

enum class FactKind { Number, Words };

// Training and HeldOut share no name and no attribute: what is asked of a trained model it never saw.
enum class Split { Training, HeldOut };

// "The secret number of Emma is 48213."
struct Fact {
  FactKind kind = FactKind::Number;
  std::string attribute;  // "secret number", "best thing to do" …
  std::string name;
  std::string value;  // "48213", "walk along the river and sing"
};

// How a fact is told. The first is the published needle's form.
enum class Telling { Plain, Possessive, Remember, Known };
inline constexpr std::size_t kTellings = 4;

// How one fact is asked for. Completion repeats the words of the plain telling and lets the model go on, as the
// published needle does; the others are questions in other words. Command is never used in training.
enum class Asking { Completion, QuestionAndStart, Question, Which, Command };
inline constexpr std::size_t kTrainedAskings = 4;

struct FactOptions {
  FactKind kind = FactKind::Number;
  Split split = Split::HeldOut;
};

// A fact whose name is not among `taken`.
[[nodiscard]] Fact makeFact(Random& random, const FactOptions& options, std::span<const Fact> taken = {});
// A fact with the attribute of `fact` and another name and value, or with its name and another attribute and value:
// what a model answers when it looks at one half of the question only.
[[nodiscard]] Fact makeDistractor(Random& random, const Fact& fact, Split split, bool same_name,
                                  std::span<const Fact> taken = {});

// One sentence with its full stop, no space around it.
[[nodiscard]] std::string tell(const Fact& fact, Telling telling = Telling::Plain);
// The question as it stands behind the text, starting on a new line, up to where the answer begins; the answer follows
// with a space: ask(fact) + " " + fact.value + ".".
[[nodiscard]] std::string ask(const Fact& fact, Asking asking = Asking::Completion);

// One question about several facts. Its answer names each: " Emma 48213, Boston 771." (answerAll).
[[nodiscard]] std::string askAll(std::span<const Fact> facts);
[[nodiscard]] std::string answerAll(std::span<const Fact> facts);

}  // namespace kvatlas::evaluation
