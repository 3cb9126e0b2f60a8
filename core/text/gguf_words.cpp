#include "core/text/gguf_words.h"

#include <utility>

namespace kvatlas::text {
namespace {

using nlohmann::json;

// Published with the models: Llama 3, Qwen 2, Tekken of Mistral.
constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kTekken = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)"
                                R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|)"
                                R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr WordRule kGpt2Words{};
constexpr WordRule kDigitWords{.digits_apart = true};
constexpr WordRule kLlama3Words{.split = kLlama3, .whole_words_first = true, .begins_with_bos = true};
constexpr WordRule kQwen2Words{.split = kQwen2};
constexpr WordRule kTekkenWords{.split = kTekken, .whole_words_first = true, .begins_with_bos = true};

constexpr std::pair<std::string_view, const WordRule*> kRules[] = {
    {"default", &kGpt2Words},     {"gpt-2", &kGpt2Words},      {"phi-2", &kGpt2Words},
    {"mpt", &kGpt2Words},         {"olmo", &kGpt2Words},       {"smollm", &kDigitWords},
    {"refact", &kDigitWords},     {"starcoder", &kDigitWords}, {"codeshell", &kDigitWords},
    {"llama-bpe", &kLlama3Words}, {"llama3", &kLlama3Words},   {"llama-v3", &kLlama3Words},
    {"falcon3", &kLlama3Words},   {"pixtral", &kLlama3Words},  {"dbrx", &kLlama3Words},
    {"smaug-bpe", &kLlama3Words}, {"qwen2", &kQwen2Words},     {"deepseek-r1-qwen", &kQwen2Words},
    {"stablelm2", &kQwen2Words},  {"megrez", &kQwen2Words},    {"tekken", &kTekkenWords},
};

}  // namespace

const WordRule* wordRule(std::string_view name) {
  for (const auto& [known, rule] : kRules)
    if (known == name) return rule;
  return nullptr;
}

json preTokenizerJson(const WordRule& rule) {
  json steps = json::array();
  if (rule.digits_apart) steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
  if (rule.split != nullptr)
    steps.push_back(
        {{"type", "Split"}, {"pattern", {{"Regex", rule.split}}}, {"behavior", "Isolated"}, {"invert", false}});
  steps.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", rule.split == nullptr}});
  return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}

}  // namespace kvatlas::text
