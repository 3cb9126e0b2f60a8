// Facts to plant in a text and questions about them, made from a seed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/random.h"

namespace kvatlas::evaluation {

enum class FactKind { Number, Words };

// Training and HeldOut share no name and no attribute, so a trained model is asked about unseen ones.
enum class Split { Training, HeldOut };

// "The secret number of Emma is 48213."
struct Fact {
  FactKind kind = FactKind::Number;
  std::string attribute;  // "secret number", "best thing to do" …
  std::string name;
  std::string value;  // "48213", "walk along the river and sing"
};

// How a fact is phrased. Plain is the published needle's form.
enum class Telling { Plain, Possessive, Remember, Known };
inline constexpr std::size_t kTellings = 4;

// How a question about one fact is phrased. Completion repeats the plain phrasing and lets the model continue, like the
// published needle; the others are real questions. Training never uses Command.
enum class Asking { Completion, QuestionAndStart, Question, Which, Command };
inline constexpr std::size_t kTrainedAskings = 4;

struct FactOptions {
  FactKind kind = FactKind::Number;
  Split split = Split::HeldOut;
};

// A fact whose name is not among `taken`.
[[nodiscard]] Fact makeFact(Random& random, const FactOptions& options, std::span<const Fact> taken = {});
// A fact with the attribute of `fact` and another name and value, or with its name and another attribute and value:
// the answer of a model that attends to only half of the question.
[[nodiscard]] Fact makeDistractor(Random& random, const Fact& fact, Split split, bool same_name,
                                  std::span<const Fact> taken = {});

// One sentence with its full stop, without surrounding space.
[[nodiscard]] std::string tell(const Fact& fact, Telling telling = Telling::Plain);
// The question that follows the text, starting on a new line, up to the beginning of the answer. The answer follows
// after a space: ask(fact) + " " + fact.value + ".".
[[nodiscard]] std::string ask(const Fact& fact, Asking asking = Asking::Completion);

// One question about several facts. Its answer lists each: " Emma 48213, Boston 771." (answerAll).
[[nodiscard]] std::string askAll(std::span<const Fact> facts);
[[nodiscard]] std::string answerAll(std::span<const Fact> facts);

}  // namespace kvatlas::evaluation
