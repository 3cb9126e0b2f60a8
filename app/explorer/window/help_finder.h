// Answers "What's this?" for every control of the program's windows, from its texts and the glossary.
#pragma once

#include <QObject>

namespace kvatlas::app {

class HelpFinder : public QObject {
 public:
  // Watches the application until it is destroyed.
  explicit HelpFinder(QObject* parent = nullptr);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;
};

}  // namespace kvatlas::app
