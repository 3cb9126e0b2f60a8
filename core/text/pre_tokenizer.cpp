#include "core/text/pre_tokenizer.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "core/base/utf8.h"
#include "core/text/pattern_field.h"
#include "core/text/regex.h"
#include "core/text/split_step.h"

namespace kvatlas::text {
namespace {

// The pattern of GPT-2's published tokenizer: contractions, words, numbers, other signs, white space.
constexpr std::string_view kByteLevelPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// ByteLevel's add_prefix_space: a blank before each span that begins with none.
class PrefixSpace : public TextStep {
 public:
  void apply(SpannedText& spanned) const override {
    const std::string& bytes = spanned.text.bytes;
    rewriteSpans(spanned, [&](const Span& span, Rewriter& out) {
      if (bytes[span.begin] != ' ') out.replace(span.begin, span.begin, " ");
      out.keep(span.begin, span.end);
    });
  }
};

enum class PrependScheme { Always, First, Never };

// Writes blanks as the replacement character and puts one before the text (First) or before each span (Always).
class Metaspace : public TextStep {
 public:
  Metaspace(std::string replacement, PrependScheme scheme) : m_replacement(std::move(replacement)), m_scheme(scheme) {}
  void apply(SpannedText& spanned) const override {
    const AlignedText& text = spanned.text;
    rewriteSpans(spanned, [&](const Span& span, Rewriter& out) {
      const std::string_view word = std::string_view(text.bytes).substr(span.begin, span.end - span.begin);
      const bool begins_with_it = word.starts_with(' ') || word.starts_with(m_replacement);
      const bool wanted =
          m_scheme == PrependScheme::Always || (m_scheme == PrependScheme::First && text.sourceOf(span.begin) == 0);
      if (wanted && !begins_with_it) out.replace(span.begin, span.begin, m_replacement);
      std::size_t done = span.begin;
      for (std::size_t at = word.find(' '); at != word.npos; at = word.find(' ', at + 1)) {
        out.keep(done, span.begin + at);
        out.replace(span.begin + at, span.begin + at + 1, m_replacement);
        done = span.begin + at + 1;
      }
      out.keep(done, span.end);
    });
  }

 private:
  std::string m_replacement;
  PrependScheme m_scheme;
};

template <class Value, std::size_t n>
Value choose(const JsonField& field, const std::array<std::pair<std::string_view, Value>, n>& values) {
  for (const auto& [name, value] : values) {
    if (field.asString() == name) return value;
  }
  field.complain(fmt::format("'{}' is not known here", field.asString()));
}

void addByteLevel(const JsonField& field, PreTokenizer& result) {
  if (field.boolean("add_prefix_space", true)) result.steps.push_back(std::make_unique<PrefixSpace>());
  if (field.boolean("use_regex", true)) {
    result.steps.push_back(
        std::make_unique<SplitStep>(Regex(kByteLevelPattern, field.where()), SplitBehavior::Isolated, false));
  }
  result.byte_level = true;
}

void addSplit(const JsonField& field, PreTokenizer& result) {
  using enum SplitBehavior;
  static constexpr std::array<std::pair<std::string_view, SplitBehavior>, 5> kBehaviors{{
      {"Removed", Removed},
      {"Isolated", Isolated},
      {"MergedWithPrevious", MergedWithPrevious},
      {"MergedWithNext", MergedWithNext},
      {"Contiguous", Contiguous},
  }};
  result.steps.push_back(std::make_unique<SplitStep>(
      readPattern(field.at("pattern")), choose(field.at("behavior"), kBehaviors), field.boolean("invert", false)));
}

PrependScheme readScheme(const JsonField& field) {
  static constexpr std::array<std::pair<std::string_view, PrependScheme>, 3> kSchemes{{
      {"always", PrependScheme::Always},
      {"first", PrependScheme::First},
      {"never", PrependScheme::Never},
  }};
  if (!field.boolean("add_prefix_space", true)) return PrependScheme::Never;
  const auto scheme = field.find("prepend_scheme");
  return scheme ? choose(*scheme, kSchemes) : PrependScheme::Always;
}

void addMetaspace(const JsonField& field, PreTokenizer& result) {
  const JsonField replacement = field.at("replacement");
  if (replacement.asString().empty() || utf8Length(replacement.asString()[0]) != replacement.asString().size()) {
    replacement.complain("one character was expected");
  }
  result.steps.push_back(std::make_unique<Metaspace>(replacement.asString(), readScheme(field)));
  if (field.boolean("split", true)) {
    result.steps.push_back(std::make_unique<SplitStep>(Regex::literal(replacement.asString(), replacement.where()),
                                                       SplitBehavior::MergedWithNext, false));
  }
}

void readInto(const JsonField& field, int depth, PreTokenizer& result) {
  const std::string& type = field.at("type").asString();
  if (result.byte_level) field.complain(fmt::format("'{}' after ByteLevel is not supported", type));
  if (type == "Sequence" && depth < 8) {
    for (const JsonField& part : field.at("pretokenizers").elements()) readInto(part, depth + 1, result);
  } else if (type == "ByteLevel") {
    addByteLevel(field, result);
  } else if (type == "Split") {
    addSplit(field, result);
  } else if (type == "Digits") {
    const auto behavior =
        field.boolean("individual_digits", false) ? SplitBehavior::Isolated : SplitBehavior::Contiguous;
    result.steps.push_back(std::make_unique<SplitStep>(Regex(R"(\p{N})", field.where()), behavior, false));
  } else if (type == "Metaspace") {
    addMetaspace(field, result);
  } else {
    field.complain(fmt::format("the pre-tokenizer '{}' is not supported", type));
  }
}

}  // namespace

PreTokenizer readPreTokenizer(const std::optional<JsonField>& field) {
  PreTokenizer result;
  if (field) readInto(*field, 0, result);
  return result;
}

}  // namespace kvatlas::text
