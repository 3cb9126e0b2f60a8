// A line for a path with a button that opens a file dialog; knows paths only.
#pragma once

#include <QWidget>

class QLineEdit;

namespace kvatlas::app {

class PathEdit : public QWidget {
  Q_OBJECT

 public:
  enum class Kind { Folder, OpenFile, SaveFile };

  PathEdit(Kind kind, const QString& title, const QString& filter, QWidget* parent = nullptr);
  [[nodiscard]] QString path() const;
  void setPath(const QString& path);
  [[nodiscard]] QLineEdit* line() const { return m_line; }

 signals:
  void changed();

 private:
  void browse();

  const Kind m_kind;
  const QString m_title, m_filter;
  QLineEdit* m_line;
};

}  // namespace kvatlas::app
