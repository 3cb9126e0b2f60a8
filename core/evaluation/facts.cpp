#include "core/evaluation/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace kvatlas::evaluation {
namespace {

// Every third name is held out. Names of places and people; made-up ones are added (see madeUpName).
constexpr std::array kNames = {
    "Boston",        "Emma",     "Lisbon",   "Oliver",    "Vienna",    "Harriet", "Dublin",   "Martin",  "Geneva",
    "Clara",         "Oxford",   "Edmund",   "Prague",    "Susan",     "Naples",  "Henry",    "Athens",  "Lucy",
    "Berlin",        "Walter",   "Cairo",    "Fanny",     "Denver",    "Robert",  "Florence", "Julia",   "Glasgow",
    "Thomas",        "Havana",   "Maria",    "Jerusalem", "Isaac",     "Kyoto",   "Rebecca",  "London",  "Daniel",
    "Madrid",        "Rachel",   "Norwich",  "Samuel",    "Orleans",   "Esther",  "Paris",    "Jacob",   "Quebec",
    "Hannah",        "Rome",     "David",    "Seattle",   "Martha",    "Toronto", "Joseph",   "Utrecht", "Abigail",
    "Venice",        "Benjamin", "Warsaw",   "Judith",    "York",      "Simon",   "Zurich",   "Eleanor", "Bristol",
    "George",        "Chester",  "Anne",     "Dover",     "Charles",   "Exeter",  "Marianne", "Lyme",    "Frederick",
    "Kent",          "Louisa",   "Bath",     "William",   "Milan",     "Jane",    "Siena",    "Peter",   "Tunis",
    "Catherine",     "Oslo",     "Philip",   "Malta",     "Elizabeth", "Cordoba", "Andrew",   "Salem",   "Charlotte",
    "San Francisco", "Nathan",   "New York", "Lydia",     "San Diego", "Adam",    "Santa Fe", "Sophia",  "Cape Town",
    "Felix"};

constexpr std::array kSyllables = {"ba", "bel", "cor", "da",  "del", "dor", "el",  "fa",  "gar", "hal", "ia",  "jo",
                                   "ka", "kel", "la",  "lin", "lo",  "mar", "mi",  "mon", "na",  "nor", "o",   "per",
                                   "ra", "ren", "ri",  "sal", "sen", "ta",  "tar", "ten", "u",   "val", "ven", "wil",
                                   "ya", "zan", "zo",  "bri", "cla", "dru", "fre", "gli", "pra", "sta", "tri", "vo"};

constexpr std::array kTrainingNumbers = {"secret number", "lucky number", "room number",   "house number",
                                         "pass code",     "gate code",    "ticket number", "telephone number",
                                         "box number",    "key number"};
constexpr std::array kHeldOutNumbers = {"magic number", "account number", "door code"};
constexpr std::array kTrainingWords = {"best thing to do", "favourite wish", "old song",
                                       "secret word",      "first rule",     "great plan"};
constexpr std::array kHeldOutWords = {"best thing to see", "last rule", "hidden message"};

constexpr std::array kWords = {
    "walk",  "sing",   "river", "garden", "bread",  "music", "stone", "table", "house", "water",  "light", "morning",
    "eat",   "drink",  "dance", "write",  "letter", "horse", "green", "white", "black", "golden", "small", "great",
    "read",  "book",   "sit",   "sun",    "rain",   "wind",  "sea",   "ship",  "road",  "hill",   "tree",  "apple",
    "visit", "friend", "king",  "door",   "window", "fire",  "night", "day",   "sleep", "laugh",  "child", "bird",
    "field", "flower", "wine",  "cloth",  "silver", "cup",   "lamp",  "wall",  "city",  "people", "play",  "run",
    "and",   "or",     "with",  "under",  "over",   "near",  "by",    "for"};

std::string_view pick(Random& random, auto const& list) {
  return list[random.below(list.size())];
}

std::string listedName(Random& random, Split split) {
  constexpr std::size_t kHeldOut = kNames.size() / 3;
  if (split == Split::HeldOut) return kNames[3 * random.below(kHeldOut) + 2];
  const std::size_t at = random.below(kNames.size() - kHeldOut);
  return kNames[at / 2 * 3 + at % 2];
}

// FNV-1a of the name decides its split, so that no name is in both, however it was composed.
bool isHeldOut(std::string_view name) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return (hash >> 32) % 4 == 0;
}

std::string madeUpName(Random& random, Split split) {
  for (;;) {
    std::string name;
    const std::size_t syllables = random.between(2, 4);
    for (std::size_t i = 0; i < syllables; ++i) name += pick(random, kSyllables);
    name[0] = static_cast<char>(name[0] - 'a' + 'A');
    const bool listed = std::ranges::find(kNames, name) != kNames.end();  // "Mar" + "ia"
    if (!listed && isHeldOut(name) == (split == Split::HeldOut)) return name;
  }
}

std::string makeName(Random& random, Split split, std::span<const Fact> taken) {
  for (;;) {
    std::string name = random.chance(0.4) ? listedName(random, split) : madeUpName(random, split);
    if (std::ranges::none_of(taken, [&](const Fact& fact) { return fact.name == name; })) return name;
  }
}

std::string makeNumber(Random& random) {
  std::string digits;
  const std::size_t count = random.between(4, 6);
  for (std::size_t i = 0; i < count; ++i) digits += static_cast<char>('0' + random.below(10));
  return digits;
}

std::string makeWords(Random& random) {
  std::string words;
  const std::size_t count = random.between(3, 6);
  for (std::size_t i = 0; i < count; ++i) words.append(i == 0 ? "" : " ").append(pick(random, kWords));
  return words;
}

std::string makeValue(Random& random, FactKind kind) {
  return kind == FactKind::Number ? makeNumber(random) : makeWords(random);
}

std::string makeAttribute(Random& random, FactKind kind, Split split) {
  const bool held_out = split == Split::HeldOut;
  if (kind == FactKind::Number)
    return std::string(held_out ? pick(random, kHeldOutNumbers) : pick(random, kTrainingNumbers));
  return std::string(held_out ? pick(random, kHeldOutWords) : pick(random, kTrainingWords));
}

// "the best thing to do in Boston", "the secret number of Boston"
std::string subject(const Fact& fact) {
  const bool place = fact.attribute.starts_with("best thing");
  return fmt::format("{} {} {}", fact.attribute, place ? "in" : "of", fact.name);
}

}  // namespace

Fact makeFact(Random& random, const FactOptions& options, std::span<const Fact> taken) {
  Fact fact;
  fact.kind = options.kind;
  fact.attribute = makeAttribute(random, options.kind, options.split);
  fact.name = makeName(random, options.split, taken);
  fact.value = makeValue(random, options.kind);
  return fact;
}

Fact makeDistractor(Random& random, const Fact& fact, Split split, bool same_name, std::span<const Fact> taken) {
  Fact other = fact;
  while (other.value == fact.value) other.value = makeValue(random, fact.kind);
  if (same_name) {
    while (other.attribute == fact.attribute) other.attribute = makeAttribute(random, fact.kind, split);
    return other;
  }
  std::vector<Fact> all(taken.begin(), taken.end());
  all.push_back(fact);
  other.name = makeName(random, split, all);
  return other;
}

std::string tell(const Fact& fact, Telling telling) {
  switch (telling) {
    case Telling::Plain:
      break;
    case Telling::Possessive:
      return fmt::format("{}'s {} is {}.", fact.name, fact.attribute, fact.value);
    case Telling::Remember:
      return fmt::format("Remember that the {} is {}.", subject(fact), fact.value);
    case Telling::Known:
      return fmt::format("They all know {}, and that the {} is {}.", fact.name, subject(fact), fact.value);
  }
  return fmt::format("The {} is {}.", subject(fact), fact.value);
}

std::string ask(const Fact& fact, Asking asking) {
  const std::string about = subject(fact);
  switch (asking) {
    case Asking::Completion:
      break;
    case Asking::QuestionAndStart:
      return fmt::format("\nQuestion: What is the {}?\nAnswer: The {} is", about, about);
    case Asking::Question:
      return fmt::format("\nQuestion: What is the {}?\nAnswer:", about);
    case Asking::Which:
      return fmt::format("\nQuestion: Which {} does {} have?\nAnswer:", fact.attribute, fact.name);
    case Asking::Command:
      return fmt::format("\nTell me what the {} is.\nAnswer:", about);
  }
  return fmt::format("\nQuestion: The {} is", about);
}

std::string askAll(std::span<const Fact> facts) {
  std::string text = "\nQuestion: What is";
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const bool last = i + 1 == facts.size();
    text += fmt::format("{} the {}", i == 0 ? "" : last ? " and" : ",", subject(facts[i]));
  }
  return text + "?\nAnswer:";
}

std::string answerAll(std::span<const Fact> facts) {
  std::string text;
  for (const Fact& fact : facts) text += fmt::format("{} {} {}", text.empty() ? "" : ",", fact.name, fact.value);
  return text + ".";
}

}  // namespace kvatlas::evaluation
