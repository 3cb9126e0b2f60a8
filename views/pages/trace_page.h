// Facts about the open trace: model, prompt, recorded data.
#pragma once

#include <QTextBrowser>

namespace kvatlas::views {

class Document;

class TracePage : public QTextBrowser {
  Q_OBJECT

 public:
  explicit TracePage(Document& document, QWidget* parent = nullptr);

 private:
  void showFacts();

  Document& m_document;
};

}  // namespace kvatlas::views
