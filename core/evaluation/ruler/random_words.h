// Keys, values and words of RULER's rows, drawn from a seeded generator.
#pragma once

#include <string>

#include "core/base/random.h"

namespace kvatlas::evaluation {

[[nodiscard]] std::string randomName(Random& random);  // "narrow-lantern", one of 9216
[[nodiscard]] std::string randomNumber(Random& random, std::size_t digits);
[[nodiscard]] std::string randomUuid(Random& random);                                    // version 4
[[nodiscard]] std::string randomLetters(Random& random, std::size_t count, char first);  // first: 'a' or 'A'
[[nodiscard]] std::string madeUpWord(Random& random);                                    // "delmarven"

}  // namespace kvatlas::evaluation
