#include "views/plots/chrome.h"

namespace kvatlas::views {
namespace {

constexpr double kNotePoints = 7, kBoldIsWider = 1.15;
constexpr const char* kBetween = " · ";

}  // namespace

int Chrome::top() const {
  return kOuterMargin + (title.empty() ? 0 : Canvas::textHeight(kTitlePoints) + static_cast<int>(points(3)));
}

int Chrome::bottom() const {
  const int lines = static_cast<int>(notes.size()) * Canvas::textHeight(kNotePoints);
  return kOuterMargin + (notes.empty() ? 0 : lines + static_cast<int>(points(3)));
}

Chrome planChrome(const std::string& title, const std::vector<std::string>& phrases, int width) {
  Chrome chrome{Canvas::elided(title, kTitlePoints * kBoldIsWider, width - 2 * kOuterMargin), {}};
  for (const std::string& phrase : phrases) {
    if (!chrome.notes.empty()) {
      const std::string longer = chrome.notes.back() + kBetween + phrase;
      if (Canvas::textWidth(longer, kNotePoints) <= width - 2 * kOuterMargin) {
        chrome.notes.back() = longer;
        continue;
      }
    }
    chrome.notes.push_back(Canvas::elided(phrase, kNotePoints, width - 2 * kOuterMargin));
  }
  return chrome;
}

void drawChrome(Canvas& canvas, const Chrome& chrome) {
  if (!chrome.title.empty())
    canvas.addText(QPointF(kOuterMargin, kOuterMargin), chrome.title,
                   {kTitlePoints, Qt::AlignLeft | Qt::AlignTop, 0, true}, canvas.colours().ink);
  const int line = Canvas::textHeight(kNotePoints);
  int y = canvas.height() - kOuterMargin - line * static_cast<int>(chrome.notes.size());
  for (const std::string& note : chrome.notes) {
    canvas.addText(QPointF(kOuterMargin, y), note, {kNotePoints, Qt::AlignLeft | Qt::AlignTop}, canvas.colours().muted);
    y += line;
  }
}

}  // namespace kvatlas::views
