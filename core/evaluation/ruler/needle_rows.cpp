// Needles in a haystack of noise, of text or of other needles, and the chain of variables.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <set>

#include "core/evaluation/ruler/random_words.h"
#include "core/evaluation/ruler/row_makers.h"

namespace kvatlas::evaluation {
namespace {

using Filling = NeedleRow::Filling;

constexpr const char* kNoise =
    "The night is long. The road is dry. The lamp is lit. We walk on. The hill comes no nearer.";

struct Inserted {
  double depth = 0;  // share of the filling before it
  std::string text;
};

// Text of `units` pieces, with `inserted[i]` before piece `places[i]`, places ascending; joined by `separator`.
std::string filledWith(std::size_t units, const std::vector<std::size_t>& places, const std::vector<Inserted>& inserted,
                       const std::string& separator, const std::function<std::string(std::size_t)>& piece) {
  std::string text;
  const auto add = [&](const std::string& part) { text.append(text.empty() ? "" : separator).append(part); };
  std::size_t next = 0;
  for (std::size_t i = 0; i < units; ++i) {
    for (; next < places.size() && places[next] <= i; ++next) add(inserted[next].text);
    add(piece(i));
  }
  for (; next < places.size(); ++next) add(inserted[next].text);
  return text;
}

std::vector<std::size_t> placesOf(std::vector<Inserted>& inserted, std::size_t units) {
  std::ranges::stable_sort(inserted, {}, &Inserted::depth);
  std::vector<std::size_t> places;
  for (const Inserted& one : inserted)
    places.push_back(static_cast<std::size_t>(one.depth * static_cast<double>(units)));
  return places;
}

// Words of the text from a sentence on, around its end; what is inserted stands behind a sentence.
std::string textWith(const TextWords& text, std::size_t start, std::size_t units, std::vector<Inserted> inserted) {
  const std::size_t count = text.words.size();
  while (start > 0 && !text.ends_sentence[start - 1]) --start;
  std::vector<std::size_t> places = placesOf(inserted, units);
  for (std::size_t& place : places)
    while (place > 0 && !text.ends_sentence[(start + place - 1) % count]) --place;
  return filledWith(units, places, inserted, " ", [&](std::size_t i) { return text.words[(start + i) % count]; });
}

std::string linesWith(std::size_t units, std::vector<Inserted> inserted,
                      const std::function<std::string(std::size_t)>& line) {
  const std::vector<std::size_t> places = placesOf(inserted, units);
  return filledWith(units, places, inserted, "\n", line);
}

class Keys {
 public:
  Keys(Random& random, bool uuid) : m_random(random), m_uuid(uuid) {}
  std::string next() {
    constexpr std::size_t kTries = 50;
    for (std::size_t tries = 0;; ++tries) {
      std::string key = m_uuid ? randomUuid(m_random) : randomName(m_random);
      if (tries > kTries) key.append("-").append(randomNumber(m_random, 4));  // the names are used up
      if (m_taken.insert(key).second) return key;
    }
  }

 private:
  Random& m_random;
  bool m_uuid;
  std::set<std::string> m_taken;
};

std::string valueOf(Random& random, bool uuid) {
  constexpr std::size_t kDigits = 7;
  return uuid ? randomUuid(random) : randomNumber(random, kDigits);
}

std::string needleOf(const std::string& key, const std::string& value, bool uuid) {
  return fmt::format("One of the hidden {} of {} is {}.", uuid ? "codes" : "numbers", key, value);
}

std::string listed(const std::vector<std::string>& names) {
  if (names.size() == 1) return names.front();
  return fmt::format("{} and {}", fmt::join(names.begin(), names.end() - 1, ", "), names.back());
}

void ask(const NeedleRow& kind, const std::vector<std::string>& keys, RulerText& made) {
  const bool one = made.answers.size() == 1;
  const std::string what = std::string(kind.uuid_values ? "code" : "number") + (one ? "" : "s");
  made.head = fmt::format("The text below hides {} {}. Keep {} in mind: you will be asked for {}.\n",
                          one ? "a" : "some", what, one ? "it" : "them", one ? "it" : "them");
  made.question =
      fmt::format("\nWhat {} the hidden {} of {} in the text above?", one ? "is" : "are", what, listed(keys));
  made.answer_start = fmt::format(" The hidden {} of {} in the text above {}", what, listed(keys), one ? "is" : "are");
}

}  // namespace

RulerText makeNeedles(const NeedleRow& kind, const RulerMaterial& material, Random random, std::size_t units) {
  Keys keys(random, kind.uuid_keys);
  RulerText made;
  std::vector<std::string> asked;
  std::vector<Inserted> needles;
  for (std::size_t k = 0; k < kind.keys; ++k) {
    const std::string key = keys.next();
    if (k < kind.queries) asked.push_back(key);
    for (std::size_t v = 0; v < kind.values; ++v) {
      const std::string value = valueOf(random, kind.uuid_values);
      needles.push_back({random.unit(), needleOf(key, value, kind.uuid_values)});
      if (k >= kind.queries) continue;
      made.answers.push_back(value);
      made.needles.push_back(needles.back().text);
    }
  }
  switch (kind.filling) {
    case Filling::Noise:
      made.context = linesWith(units, std::move(needles), [](std::size_t) { return kNoise; });
      break;
    case Filling::Text:
      made.context = textWith(*material.text, random.below(material.text->words.size()), units, std::move(needles));
      break;
    case Filling::Needles:
      made.context = linesWith(units, std::move(needles), [&](std::size_t) {
        const std::string key = keys.next();
        return needleOf(key, valueOf(random, kind.uuid_values), kind.uuid_values);
      });
      break;
  }
  ask(kind, asked, made);
  return made;
}

RulerText makeChain(Random random, std::size_t units) {
  constexpr std::size_t kVariables = 5, kLetters = 5, kDigits = 5;
  RulerText made;
  std::set<std::string> taken;
  while (made.answers.size() < kVariables)
    if (std::string name = randomLetters(random, kLetters, 'A'); taken.insert(name).second)
      made.answers.push_back(std::move(name));
  const std::string value = randomNumber(random, kDigits);
  std::vector<double> depths(kVariables);
  for (double& depth : depths) depth = random.unit();
  std::ranges::sort(depths);
  std::vector<Inserted> steps;
  for (std::size_t i = 0; i < kVariables; ++i) {
    const std::string right = i == 0 ? value : fmt::format("VAR {}", made.answers[i - 1]);
    steps.push_back({depths[i], fmt::format("VAR {} = {}", made.answers[i], right)});
    made.needles.push_back(steps.back().text);
  }
  made.context = linesWith(units, std::move(steps), [](std::size_t) { return kNoise; });
  made.head = "The text below assigns values to variables, some through other variables. Follow the assignments.\n\n";
  made.question = fmt::format("\nQuestion: Which variables have the value {} in the end?", value);
  made.answer_start = fmt::format(" Answer: In the text above, {} variables have the value {}:", kVariables, value);
  return made;
}

}  // namespace kvatlas::evaluation
