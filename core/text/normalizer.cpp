#include "core/text/normalizer.h"

#include <fmt/format.h>

#include "core/base/utf8.h"
#include "core/text/pattern_field.h"
#include "core/text/regex.h"

namespace kvatlas::text {
namespace {

using Steps = std::vector<std::unique_ptr<const TextStep>>;

class Prepend : public TextStep {
 public:
  explicit Prepend(std::string prefix) : m_prefix(std::move(prefix)) {}
  void apply(SpannedText& spanned) const override {
    rewriteSpans(spanned, [&](const Span& span, Rewriter& out) {
      out.replace(span.begin, span.begin, m_prefix);
      out.keep(span.begin, span.end);
    });
  }

 private:
  std::string m_prefix;
};

class Replace : public TextStep {
 public:
  Replace(Regex pattern, std::string content) : m_pattern(std::move(pattern)), m_content(std::move(content)) {}
  void apply(SpannedText& spanned) const override {
    Matcher matcher(m_pattern);
    std::vector<Matcher::Range> matches;
    const std::string& bytes = spanned.text.bytes;
    rewriteSpans(spanned, [&](const Span& span, Rewriter& out) {
      matcher.findAll(std::string_view(bytes).substr(span.begin, span.end - span.begin), matches);
      std::size_t done = span.begin;
      for (const auto& [begin, end] : matches) {
        out.keep(done, span.begin + begin);
        out.replace(span.begin + begin, span.begin + end, m_content);
        done = span.begin + end;
      }
      out.keep(done, span.end);
    });
  }

 private:
  Regex m_pattern;
  std::string m_content;
};

class Strip : public TextStep {
 public:
  Strip(bool left, bool right) : m_left(left), m_right(right) {}
  void apply(SpannedText& spanned) const override {
    const std::string& bytes = spanned.text.bytes;
    rewriteSpans(spanned, [&](const Span& span, Rewriter& out) {
      std::size_t begin = span.begin, end = span.end;
      while (m_left && begin < end && isWhitespace(codePointAt(bytes, begin))) begin += utf8Length(bytes[begin]);
      while (m_right && begin < end) {
        std::size_t last = end - 1;
        while ((static_cast<unsigned char>(bytes[last]) & 0xC0) == 0x80) --last;
        if (!isWhitespace(codePointAt(bytes, last))) break;
        end = last;
      }
      out.keep(begin, end);
    });
  }

 private:
  bool m_left, m_right;
};

void readInto(const JsonField& field, int depth, Steps& steps) {
  const std::string& type = field.at("type").asString();
  if (type == "Sequence" && depth < 8) {
    for (const JsonField& part : field.at("normalizers").elements()) readInto(part, depth + 1, steps);
  } else if (type == "Prepend") {
    steps.push_back(std::make_unique<Prepend>(field.at("prepend").asString()));
  } else if (type == "Replace") {
    steps.push_back(std::make_unique<Replace>(readPattern(field.at("pattern")), field.at("content").asString()));
  } else if (type == "Strip") {
    steps.push_back(std::make_unique<Strip>(field.boolean("strip_left", true), field.boolean("strip_right", true)));
  } else {
    field.complain(fmt::format("the normalizer '{}' is not supported", type));
  }
}

}  // namespace

Steps readNormalizer(const std::optional<JsonField>& field) {
  Steps steps;
  if (field) readInto(*field, 0, steps);
  return steps;
}

}  // namespace kvatlas::text
