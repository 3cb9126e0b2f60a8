// What the open trace is: model, prompt, what was recorded; knows the document only.
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
