// Cuts spans at the matches of a pattern; knows no component that uses it.
#pragma once

#include <string_view>
#include <vector>

#include "core/text/aligned_text.h"
#include "core/text/regex.h"

namespace kvatlas::text {

// What becomes of a match: dropped, a span of its own, joined to a neighbour, or joined to matches beside it.
enum class SplitBehavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };

class SplitStep : public TextStep {
 public:
  // invert: what lies between the matches is the match.
  SplitStep(Regex pattern, SplitBehavior behavior, bool invert)
      : m_pattern(std::move(pattern)), m_behavior(behavior), m_invert(invert) {}
  void apply(SpannedText& spanned) const override;

 private:
  Regex m_pattern;
  SplitBehavior m_behavior;
  bool m_invert;
};

}  // namespace kvatlas::text
