#include "core/text/sentencepiece/normalise.h"

#include "core/base/utf8.h"
#include "core/text/sentencepiece/charsmap.h"
#include "core/text/sentencepiece/piece_trie.h"

namespace kvatlas::text {
namespace {

constexpr std::string_view kBlank = "\u2581";

class Normaliser : public TextStep {
 public:
  Normaliser(const SentencePieceModel& model, DummyPrefix prefix, const std::string& where)
      : m_charsmap(model.charsmap, where),
        m_prefix(model.add_dummy_prefix ? prefix : DummyPrefix::Never),
        m_remove_extra(model.remove_extra_whitespaces),
        m_blank(model.escape_whitespaces ? kBlank : " ") {
    for (std::size_t id = 0; id < model.pieces.size(); ++id)
      if (model.pieces[id].type == PieceType::UserDefined)
        m_user_defined.add(model.pieces[id].text, static_cast<TokenId>(id));
  }

  void apply(SpannedText& spanned) const override {
    Rewriter out(spanned.text);
    std::vector<Span> spans;
    for (const Span& span : spanned.spans) {
      if (span.token) {
        const std::size_t begin = out.size();
        out.keep(span.begin, span.end);
        spans.push_back({begin, out.size(), span.token});
      } else {
        rewrite(spanned.text, span, out, spans);
      }
    }
    spanned.text = out.finish();
    spanned.spans = std::move(spans);
  }

 private:
  // A user-defined piece, a replacement from the table, or a character that stays.
  struct Unit {
    std::size_t begin, end;  // in the text
    std::string_view text;
    std::optional<TokenId> token;
  };

  [[nodiscard]] Unit unitAt(std::string_view text, std::size_t at) const {
    const std::string_view rest = text.substr(at);
    Unit unit{at, at, {}, std::nullopt};
    m_user_defined.forPrefixes(rest, [&](std::size_t bytes, TokenId id) {
      unit = {at, at + bytes, rest.substr(0, bytes), id};
    });
    if (unit.token) return unit;
    if (const auto found = m_charsmap.find(rest)) return {at, at + found->length, found->with, std::nullopt};
    const std::size_t length = utf8Length(rest[0]);
    return {at, at + length, rest.substr(0, length), std::nullopt};
  }

  [[nodiscard]] std::vector<Unit> unitsOf(std::string_view text, const Span& span) const {
    std::vector<Unit> units;
    const std::string_view until = text.substr(0, span.end);
    for (std::size_t at = span.begin; at < span.end; at = units.back().end) units.push_back(unitAt(until, at));
    return units;
  }

  // Blanks at the start, at the end and after another blank go; at the end also those the text spells "▁".
  void removeExtraBlanks(std::vector<Unit>& units) const {
    bool after_blank = true;
    for (Unit& unit : units) {
      while (after_blank && !unit.token && unit.text.starts_with(' ')) unit.text.remove_prefix(1);
      if (!unit.text.empty()) after_blank = unit.text.ends_with(' ');
    }
    std::erase_if(units, [](const Unit& unit) { return unit.text.empty(); });
    while (!units.empty() && !units.back().token) {
      std::string_view& last = units.back().text;
      if (!last.ends_with(' ') && !last.ends_with(m_blank)) break;
      last.remove_suffix(last.ends_with(' ') ? 1 : m_blank.size());
      if (last.empty()) units.pop_back();
    }
  }

  [[nodiscard]] std::string escaped(std::string_view text) const {
    std::string result;
    for (const char byte : text) byte == ' ' ? result.append(m_blank) : result.append(1, byte);
    return result;
  }

  void rewrite(const AlignedText& text, const Span& span, Rewriter& out, std::vector<Span>& spans) const {
    std::vector<Unit> units = unitsOf(text.bytes, span);
    if (m_remove_extra) removeExtraBlanks(units);
    if (units.empty()) return;
    std::size_t begin = out.size();
    const bool at_start = text.sourceOf(span.begin) == 0;
    if (m_prefix == DummyPrefix::Always || (m_prefix == DummyPrefix::First && at_start))
      out.replace(span.begin, span.begin, m_blank);
    const auto close = [&](std::optional<TokenId> token) {
      if (out.size() > begin) spans.push_back({begin, out.size(), token});
      begin = out.size();
    };
    for (const Unit& unit : units) {
      if (unit.token) close(std::nullopt);
      out.replace(unit.begin, unit.end, unit.token ? std::string(unit.text) : escaped(unit.text));
      if (unit.token) close(unit.token);
    }
    close(std::nullopt);
  }

  Charsmap m_charsmap;
  PieceTrie m_user_defined;
  DummyPrefix m_prefix;
  bool m_remove_extra;
  std::string_view m_blank;
};

}  // namespace

std::unique_ptr<const TextStep> sentencePieceNormaliser(const SentencePieceModel& model, DummyPrefix prefix,
                                                        const std::string& where) {
  return std::make_unique<Normaliser>(model, prefix, where);
}

}  // namespace kvatlas::text
