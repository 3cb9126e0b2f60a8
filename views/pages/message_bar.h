// One line above the pages that says what went wrong or is going on, without stopping anything; knows text only.
#pragma once

#include <QFrame>

class QLabel;
class QToolButton;

namespace kvatlas::views {

class MessageBar : public QFrame {
  Q_OBJECT

 public:
  enum class Kind { Note, Warning, Failure };

  explicit MessageBar(QWidget* parent = nullptr);

  void show(Kind kind, const QString& text);
  void clear();
  [[nodiscard]] QString text() const;
  [[nodiscard]] Kind kind() const { return m_kind; }

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void applyTheme();

  QLabel* m_mark;
  QLabel* m_text;
  Kind m_kind = Kind::Note;
};

}  // namespace kvatlas::views
