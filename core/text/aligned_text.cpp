#include "core/text/aligned_text.h"

#include <utility>

#include "core/base/utf8.h"

namespace kvatlas::text {

AlignedText readText(std::string_view bytes) {
  AlignedText raw{std::string(bytes), {}};
  if (isValidUtf8(bytes)) return raw;
  Rewriter out(raw);
  std::size_t valid_from = 0, at = 0;
  while (at < bytes.size()) {
    const Utf8Unit unit = readUtf8(bytes.substr(at, 4));
    if (!unit.valid) {
      out.keep(valid_from, at);
      out.replace(at, at + unit.length, kReplacementCharacter);
      valid_from = at + unit.length;
    }
    at += unit.length;
  }
  out.keep(valid_from, at);
  return out.finish();
}

Rewriter::Rewriter(const AlignedText& from) : m_from(from) {
  m_out.bytes.reserve(from.bytes.size() + from.bytes.size() / 2);
  m_out.source.reserve(m_out.bytes.capacity() + 1);
}

void Rewriter::keep(std::size_t begin, std::size_t end) {
  m_out.bytes.append(m_from.bytes, begin, end - begin);
  for (std::size_t i = begin; i < end; ++i) m_out.source.push_back(m_from.sourceOf(i));
}

void Rewriter::replace(std::size_t begin, std::size_t end, std::string_view with) {
  m_out.bytes.append(with);
  for (std::size_t i = 0; i < with.size(); ++i) m_out.source.push_back(m_from.sourceOf(std::min(begin + i, end)));
}

AlignedText Rewriter::finish() {
  m_out.source.push_back(m_from.sourceOf(m_from.bytes.size()));
  return std::move(m_out);
}

}  // namespace kvatlas::text
