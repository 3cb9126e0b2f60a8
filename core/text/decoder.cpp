#include "core/text/decoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/utf8.h"
#include "core/text/bpe/byte_alphabet.h"
#include "core/text/pattern_field.h"
#include "core/text/regex.h"

namespace kvatlas::text {

void DecodingText::append(std::string_view text, std::uint32_t owner) {
  bytes.append(text);
  owners.insert(owners.end(), text.size(), owner);
}

void DecodingText::appendFor(std::string_view text, const DecodingText& from, std::size_t begin, std::size_t end) {
  bytes.append(text);
  for (std::size_t i = 0; i < text.size(); ++i) owners.push_back(from.owners[std::min(begin + i, end - 1)]);
}

void DecodingText::appendCopy(const DecodingText& from, std::size_t begin, std::size_t end) {
  bytes.append(from.bytes, begin, end - begin);
  owners.insert(owners.end(), from.owners.begin() + static_cast<std::ptrdiff_t>(begin),
                from.owners.begin() + static_cast<std::ptrdiff_t>(end));
}

namespace {

using Steps = std::vector<std::unique_ptr<const DecodeStep>>;

// All pieces become bytes and these one text; a piece with a character outside the alphabet stands for itself.
class ByteLevel : public DecodeStep {
 public:
  DecodingText apply(const DecodingText& in) const override {
    DecodingText raw;
    for (std::size_t piece = 0; piece < in.piece_begins.size(); ++piece) {
      const std::string_view text = in.piece(piece);
      if (text.empty()) continue;
      const std::optional<std::string> bytes = bytesOfPiece(text);
      raw.append(bytes ? *bytes : text, in.owners[in.piece_begins[piece]]);
    }
    DecodingText out;
    out.beginPiece();
    for (std::size_t at = 0; at < raw.bytes.size();) {
      const Utf8Unit unit = readUtf8(std::string_view(raw.bytes).substr(at, 4));
      if (unit.valid) {
        out.appendCopy(raw, at, at + unit.length);
      } else {
        out.appendFor(kReplacementCharacter, raw, at, at + unit.length);
      }
      at += unit.length;
    }
    return out;
  }
};

class Replace : public DecodeStep {
 public:
  Replace(Regex pattern, std::string content) : m_pattern(std::move(pattern)), m_content(std::move(content)) {}
  DecodingText apply(const DecodingText& in) const override {
    Matcher matcher(m_pattern);
    std::vector<Matcher::Range> matches;
    DecodingText out;
    for (std::size_t piece = 0; piece < in.piece_begins.size(); ++piece) {
      out.beginPiece();
      const std::size_t base = in.piece_begins[piece];
      std::size_t done = base;
      // An empty piece has no owner, and `tokenizers` finds nothing in it.
      if (!in.piece(piece).empty()) {
        matcher.findAll(in.piece(piece), matches);
        for (const auto& [begin, end] : matches) {
          out.appendCopy(in, done, base + begin);
          const std::size_t last = std::max(base + end, base + begin + 1);
          out.appendFor(m_content, in, base + begin, std::min(last, in.bytes.size()));
          done = base + end;
        }
      }
      out.appendCopy(in, done, in.pieceEnd(piece));
    }
    return out;
  }

 private:
  Regex m_pattern;
  std::string m_content;
};

// Runs of "<0x0A>" become one piece of their bytes, or U+FFFD for each byte where these form no text.
class ByteFallback : public DecodeStep {
 public:
  DecodingText apply(const DecodingText& in) const override {
    DecodingText out, run;
    for (std::size_t piece = 0; piece < in.piece_begins.size(); ++piece) {
      const std::string_view text = in.piece(piece);
      if (const std::optional<char> byte = byteOf(text)) {
        run.append(std::string_view(&*byte, 1), in.owners[in.piece_begins[piece]]);
        continue;
      }
      flush(run, out);
      out.beginPiece();
      out.appendCopy(in, in.piece_begins[piece], in.pieceEnd(piece));
    }
    flush(run, out);
    return out;
  }

 private:
  static std::optional<char> byteOf(std::string_view piece) {
    if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return std::nullopt;
    unsigned value = 0;
    for (const char c : piece.substr(3, 2)) {
      const bool digit = c >= '0' && c <= '9', upper = c >= 'A' && c <= 'F', lower = c >= 'a' && c <= 'f';
      if (!digit && !upper && !lower) return std::nullopt;
      value = value * 16 + static_cast<unsigned>(digit ? c - '0' : (upper ? c - 'A' : c - 'a') + 10);
    }
    return static_cast<char>(static_cast<unsigned char>(value));
  }

  static void flush(DecodingText& run, DecodingText& out) {
    if (isValidUtf8(run.bytes)) {
      if (!run.bytes.empty()) out.beginPiece();
      out.appendCopy(run, 0, run.bytes.size());
    } else {
      for (const std::uint32_t owner : run.owners) {
        out.beginPiece();
        out.append(kReplacementCharacter, owner);
      }
    }
    run = {};
  }
};

class Fuse : public DecodeStep {
 public:
  DecodingText apply(const DecodingText& in) const override { return {in.bytes, in.owners, {0}}; }
};

// Takes up to `start` and `stop` of the given character from both ends of each piece.
class Strip : public DecodeStep {
 public:
  Strip(std::string content, std::uint64_t start, std::uint64_t stop)
      : m_content(std::move(content)), m_start(start), m_stop(stop) {}
  DecodingText apply(const DecodingText& in) const override {
    DecodingText out;
    for (std::size_t piece = 0; piece < in.piece_begins.size(); ++piece) {
      std::string_view text = in.piece(piece);
      std::size_t begin = in.piece_begins[piece];
      for (std::uint64_t i = 0; i < m_start && text.starts_with(m_content); ++i) {
        text.remove_prefix(m_content.size());
        begin += m_content.size();
      }
      for (std::uint64_t i = 0; i < m_stop && text.ends_with(m_content); ++i) text.remove_suffix(m_content.size());
      out.beginPiece();
      out.appendCopy(in, begin, begin + text.size());
    }
    return out;
  }

 private:
  std::string m_content;
  std::uint64_t m_start, m_stop;
};

// The replacement character becomes a blank, in the first piece nothing (unless none is ever prepended).
class Metaspace : public DecodeStep {
 public:
  Metaspace(std::string replacement, bool drops_first)
      : m_replacement(std::move(replacement)), m_drops_first(drops_first) {}
  DecodingText apply(const DecodingText& in) const override {
    DecodingText out;
    for (std::size_t piece = 0; piece < in.piece_begins.size(); ++piece) {
      out.beginPiece();
      const std::string_view text = in.piece(piece);
      const std::size_t base = in.piece_begins[piece];
      std::size_t done = 0;
      for (std::size_t at = text.find(m_replacement); at != text.npos; at = text.find(m_replacement, done)) {
        out.appendCopy(in, base + done, base + at);
        if (piece > 0 || !m_drops_first) out.appendFor(" ", in, base + at, base + at + m_replacement.size());
        done = at + m_replacement.size();
      }
      out.appendCopy(in, base + done, base + text.size());
    }
    return out;
  }

 private:
  std::string m_replacement;
  bool m_drops_first;
};

class JoinWithBlanks : public DecodeStep {
 public:
  DecodingText apply(const DecodingText& in) const override {
    DecodingText out;
    for (std::size_t piece = 0; piece < in.piece_begins.size(); ++piece) {
      out.beginPiece();
      if (piece > 0) out.append(" ", out.owners.empty() ? 0 : out.owners.back());
      out.appendCopy(in, in.piece_begins[piece], in.pieceEnd(piece));
    }
    return out;
  }
};

const std::string& oneCharacter(const JsonField& field) {
  const std::string& text = field.asString();
  if (text.empty() || utf8Length(text[0]) != text.size()) field.complain("one character was expected");
  return text;
}

bool metaspaceDropsFirst(const JsonField& field) {
  if (!field.boolean("add_prefix_space", true)) return false;
  const auto scheme = field.find("prepend_scheme");
  return !scheme || scheme->asString() != "never";
}

void readInto(const JsonField& field, int depth, Steps& steps) {
  const std::string& type = field.at("type").asString();
  if (type == "Sequence" && depth < 8) {
    for (const JsonField& part : field.at("decoders").elements()) readInto(part, depth + 1, steps);
  } else if (type == "ByteLevel") {
    steps.push_back(std::make_unique<ByteLevel>());
  } else if (type == "Replace") {
    steps.push_back(std::make_unique<Replace>(readPattern(field.at("pattern")), field.at("content").asString()));
  } else if (type == "ByteFallback") {
    steps.push_back(std::make_unique<ByteFallback>());
  } else if (type == "Fuse") {
    steps.push_back(std::make_unique<Fuse>());
  } else if (type == "Strip") {
    steps.push_back(std::make_unique<Strip>(oneCharacter(field.at("content")), field.at("start").asUnsigned(),
                                            field.at("stop").asUnsigned()));
  } else if (type == "Metaspace") {
    steps.push_back(std::make_unique<Metaspace>(oneCharacter(field.at("replacement")), metaspaceDropsFirst(field)));
  } else {
    field.complain(fmt::format("the decoder '{}' is not supported", type));
  }
}

}  // namespace

Steps readDecoder(const std::optional<JsonField>& field) {
  Steps steps;
  if (field) {
    readInto(*field, 0, steps);
  } else {
    steps.push_back(std::make_unique<JoinWithBlanks>());
  }
  return steps;
}

}  // namespace kvatlas::text
