#include "core/evaluation/ruler/random_words.h"

#include <array>
#include <string_view>

namespace kvatlas::evaluation {
namespace {

constexpr std::array<std::string_view, 96> kQualities{
    "amber",   "ancient", "autumn", "bitter",  "blue",    "bold",  "brave",  "bright", "broad",  "broken",  "calm",
    "careful", "cheery",  "clean",  "clear",   "clever",  "cold",  "common", "cool",   "crisp",  "curious", "damp",
    "daring",  "dark",    "deep",   "distant", "dry",     "dull",  "dusty",  "eager",  "early",  "empty",   "even",
    "faded",   "fair",    "famous", "fast",    "fierce",  "fine",  "firm",   "flat",   "fresh",  "gentle",  "giant",
    "glad",    "golden",  "grand",  "green",   "grey",    "happy", "hard",   "heavy",  "hidden", "high",    "hollow",
    "honest",  "humble",  "hungry", "icy",     "idle",    "jolly", "keen",   "kind",   "large",  "late",    "lazy",
    "light",   "little",  "lonely", "long",    "loud",    "lucky", "mild",   "modest", "narrow", "noble",   "noisy",
    "odd",     "old",     "orange", "pale",    "patient", "plain", "polite", "proud",  "quick",  "quiet",   "rare",
    "red",     "rough",   "round",  "royal",   "secret",  "sharp", "silent", "silver"};

constexpr std::array<std::string_view, 96> kThings{
    "acorn",   "anchor", "anvil",    "apple",  "arrow",   "barrel", "basket", "beacon",  "bell",    "bench",  "bottle",
    "bridge",  "broom",  "bucket",   "button", "cabin",   "candle", "canoe",  "carpet",  "castle",  "chain",  "chair",
    "chimney", "circle", "cliff",    "clock",  "cloud",   "coat",   "coin",   "compass", "copper",  "corner", "cottage",
    "cradle",  "crown",  "curtain",  "desert", "desk",    "drum",   "engine", "feather", "fence",   "ferry",  "field",
    "flute",   "forest", "fountain", "garden", "gate",    "glove",  "grape",  "hammer",  "harbour", "hat",    "helmet",
    "hill",    "honey",  "horn",     "hotel",  "island",  "jacket", "jewel",  "journal", "kettle",  "key",    "kite",
    "knot",    "ladder", "lake",     "lamp",   "lantern", "leaf",   "lemon",  "letter",  "library", "map",    "market",
    "meadow",  "mirror", "needle",   "nest",   "oak",     "oar",    "ocean",  "olive",   "orchard", "oven",   "palace",
    "paper",   "path",   "pearl",    "pencil", "piano",   "pillow", "pine",   "pocket"};

constexpr std::array<std::string_view, 24> kSyllables{"bal", "cor", "del", "dor", "fen", "gar", "hal", "jun",
                                                      "kel", "lin", "mar", "mon", "nor", "per", "ren", "sal",
                                                      "sen", "tar", "ten", "val", "ven", "wil", "yar", "zan"};

}  // namespace

std::string randomName(Random& random) {
  const std::string_view quality = kQualities[random.below(kQualities.size())];
  return std::string(quality) + "-" + std::string(kThings[random.below(kThings.size())]);
}

std::string randomNumber(Random& random, std::size_t digits) {
  std::string number(1, static_cast<char>('1' + random.below(9)));
  while (number.size() < digits) number += static_cast<char>('0' + random.below(10));
  return number;
}

std::string randomUuid(Random& random) {
  std::string uuid = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
  for (char& c : uuid) {
    if (c == 'x') c = "0123456789abcdef"[random.below(16)];
    if (c == 'y') c = "89ab"[random.below(4)];
  }
  return uuid;
}

std::string randomLetters(Random& random, std::size_t count, char first) {
  std::string letters;
  while (letters.size() < count) letters += static_cast<char>(first + static_cast<char>(random.below(26)));
  return letters;
}

std::string madeUpWord(Random& random) {
  std::string word;
  for (std::size_t i = 0; i < 3; ++i) word += kSyllables[random.below(kSyllables.size())];
  return word;
}

}  // namespace kvatlas::evaluation
