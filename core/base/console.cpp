#include "core/base/console.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>

#include "core/base/utf8.h"

namespace kvatlas {
namespace {

// C0, DEL, C1, and the marks that reorder the text after them.
bool mustBeEscaped(std::uint32_t character) {
  return character < 0x20 || (character >= 0x7F && character < 0xA0) || character == 0x061C ||
         (character >= 0x200E && character <= 0x200F) || (character >= 0x2028 && character <= 0x202E) ||
         (character >= 0x2066 && character <= 0x2069);
}

std::string shown(std::string_view text, std::size_t most, bool lines) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    if (result.size() >= most) return result + "…";
    const Utf8Unit next = readUtf8(text.substr(at, 4));
    const bool kept = lines && (next.code_point == '\n' || next.code_point == '\t');
    if (!next.valid)
      result += kReplacementCharacter;
    else if (mustBeEscaped(next.code_point) && !kept)
      result += fmt::format("\\u{:04x}", next.code_point);
    else
      result += text.substr(at, next.length);
    at += next.length;
  }
  return result;
}

}  // namespace

void reserveStandardStreams() {
  // Opened the wrong way round, so that reading or writing fails as on a closed stream.
  const std::array<int, 3> modes{O_WRONLY, O_RDONLY, O_RDONLY};
  for (int stream = 0; stream < 3; ++stream) {
    if (::fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
    [[maybe_unused]] const int opened = ::open("/dev/null", modes[static_cast<std::size_t>(stream)]);  // lowest free
  }
}

void say(std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

std::string printable(std::string_view text, std::size_t most) {
  return shown(text, most, false);
}

std::string printableLines(std::string_view text) {
  return shown(text, std::string::npos, true);
}

}  // namespace kvatlas
