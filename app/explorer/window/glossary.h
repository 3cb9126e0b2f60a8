// The field's words in one sentence each: a window with all of them, and the ones that a control of the window is
// about.
#pragma once

#include <QString>
#include <vector>

class QPoint;
class QWidget;

namespace kvatlas::app {

struct GlossaryEntry {
  QString word, meaning;
  QStringList forms;  // how labels spell it, lower case; found as whole words
};
[[nodiscard]] const std::vector<GlossaryEntry>& glossary();

// The entries whose word occurs in a text, in the order of the glossary.
[[nodiscard]] std::vector<const GlossaryEntry*> entriesIn(const QString& text);

// Help on what is at a point of a widget, as HTML: its own explanation, then the words of the glossary in it; if it has
// none, those of the panel around it. Empty for a widget without any text.
[[nodiscard]] QString helpOn(const QWidget& widget, const QPoint& at);

// Opens the glossary; the words of `about`, a control of the window, come first. Null: none.
void showGlossary(QWidget& window, const QWidget* about);

}  // namespace kvatlas::app
