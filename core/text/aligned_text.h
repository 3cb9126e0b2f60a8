// Text on its way to the model that remembers which bytes of the original each byte came from; knows no tokenizer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"

namespace kvatlas::text {

// source is ascending: byte i of `bytes` stands for original bytes [sourceOf(i), sourceOf(i+1)).
struct AlignedText {
  std::string bytes;
  std::vector<std::uint64_t> source;  // [bytes+1]; empty: every byte stands for itself

  [[nodiscard]] std::uint64_t sourceOf(std::size_t at) const { return source.empty() ? at : source[at]; }
};

// A copy with valid UTF-8: each maximal ill-formed subpart becomes U+FFFD.
[[nodiscard]] AlignedText readText(std::string_view bytes);

// Builds an AlignedText out of parts of another one, in order.
class Rewriter {
 public:
  explicit Rewriter(const AlignedText& from);
  void keep(std::size_t begin, std::size_t end);
  // The bytes of `with` stand one by one for those of [begin, end); surplus ones stand for nothing. begin == end
  // inserts.
  void replace(std::size_t begin, std::size_t end, std::string_view with);
  [[nodiscard]] std::size_t size() const { return m_out.bytes.size(); }
  [[nodiscard]] AlignedText finish();

 private:
  const AlignedText& m_from;
  AlignedText m_out;
};

// A stretch of the text that later steps see as a text of its own, or an added token already found there.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::optional<TokenId> token;
};

struct SpannedText {
  AlignedText text;
  std::vector<Span> spans;  // ascending, without overlap; what lies between them was removed

  [[nodiscard]] std::string_view view(const Span& span) const {
    return std::string_view(text.bytes).substr(span.begin, span.end - span.begin);
  }
};

// Rewrites every span that is no token by `rewrite(span, rewriter)`; spans left empty disappear.
template <class Rewrite>
void rewriteSpans(SpannedText& spanned, const Rewrite& rewrite) {
  Rewriter out(spanned.text);
  std::vector<Span> spans;
  spans.reserve(spanned.spans.size());
  for (const Span& span : spanned.spans) {
    const std::size_t begin = out.size();
    if (span.token) {
      out.keep(span.begin, span.end);
    } else {
      rewrite(span, out);
    }
    if (span.token || out.size() > begin) spans.push_back({begin, out.size(), span.token});
  }
  spanned.text = out.finish();
  spanned.spans = std::move(spans);
}

// One step of a normaliser or pre-tokeniser.
class TextStep {
 public:
  virtual ~TextStep() = default;
  virtual void apply(SpannedText& spanned) const = 0;
};

}  // namespace kvatlas::text
