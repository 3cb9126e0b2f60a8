#include "core/text/split_step.h"

#include <algorithm>

namespace kvatlas::text {
namespace {

struct Part {
  std::size_t begin, end;
  bool match;
};

// Matches and what lies between them, in order; empty parts included (an empty match still separates).
void alternate(const std::vector<Matcher::Range>& matches, std::size_t length, bool invert, std::vector<Part>& parts) {
  parts.clear();
  std::size_t done = 0;
  for (const auto& [begin, end] : matches) {
    if (begin != done) parts.push_back({done, begin, invert});
    parts.push_back({begin, end, !invert});
    done = end;
  }
  if (done != length) parts.push_back({done, length, invert});
}

// A match joins the part before it, unless that ended in a match too.
void mergeWithPrevious(std::vector<Part>& parts) {
  std::size_t kept = 0;
  bool previous_match = false;
  for (const Part part : parts) {
    const bool join = part.match && !previous_match && kept > 0;
    previous_match = part.match;
    if (join) {
      parts[kept - 1].end = part.end;
    } else {
      parts[kept++] = part;
    }
  }
  parts.resize(kept);
}

void mergeWithNext(std::vector<Part>& parts) {
  std::vector<Part> joined;
  bool next_match = false;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->match && !next_match && !joined.empty()) {
      joined.back().begin = part->begin;
    } else {
      joined.push_back(*part);
    }
    next_match = part->match;
  }
  std::reverse(joined.begin(), joined.end());
  parts = std::move(joined);
}

void joinEqual(std::vector<Part>& parts) {
  std::size_t kept = 0;
  for (const Part part : parts) {
    if (kept > 0 && parts[kept - 1].match == part.match) {
      parts[kept - 1].end = part.end;
    } else {
      parts[kept++] = part;
    }
  }
  parts.resize(kept);
}

void shape(SplitBehavior behavior, std::vector<Part>& parts) {
  switch (behavior) {
    case SplitBehavior::Removed:
      std::erase_if(parts, [](const Part& part) { return part.match; });
      break;
    case SplitBehavior::Isolated:
      break;
    case SplitBehavior::MergedWithPrevious:
      mergeWithPrevious(parts);
      break;
    case SplitBehavior::MergedWithNext:
      mergeWithNext(parts);
      break;
    case SplitBehavior::Contiguous:
      joinEqual(parts);
      break;
  }
}

}  // namespace

void SplitStep::apply(SpannedText& spanned) const {
  Matcher matcher(m_pattern);
  std::vector<Matcher::Range> matches;
  std::vector<Part> parts;
  std::vector<Span> spans;
  for (const Span& span : spanned.spans) {
    if (span.token) {
      spans.push_back(span);
      continue;
    }
    matcher.findAll(spanned.view(span), matches);
    alternate(matches, span.end - span.begin, m_invert, parts);
    shape(m_behavior, parts);
    for (const Part& part : parts) {
      if (part.end > part.begin) spans.push_back({span.begin + part.begin, span.begin + part.end, std::nullopt});
    }
  }
  spanned.spans = std::move(spans);
}

}  // namespace kvatlas::text
