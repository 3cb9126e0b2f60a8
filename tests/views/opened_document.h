// A fixture with an open document, its selection and helpers that wait for background reads.
#pragma once

#include <QAbstractItemModelTester>
#include <string>

#include "tests/views/qt_core.h"
#include "views/models/document/selection.h"

namespace kvatlas::test {

class OpenedDocumentTest : public QtCoreTest {
 protected:
  bool open(const std::filesystem::path& path) {
    std::string message;
    QObject context;
    QObject::connect(&m_document, &views::Document::failed, &context,
                     [&](const QString& text) { message = text.toStdString(); });
    m_document.open(path);
    EXPECT_TRUE(waitUntil([this] { return m_document.state() != views::Document::State::Opening; }));
    EXPECT_EQ(message, "");
    return settle();
  }
  bool openSample(const SampleTraceOptions& options = {}) { return open(sample("trace.kva.h5", options)); }
  // Waits until all requests are answered.
  bool settle() {
    return waitUntil([this] { return m_thread.pending() == 0; });
  }
  views::RunPointer runOf(views::RunId id) {
    (void)m_document.run(id);
    settle();
    return m_document.run(id);
  }

  views::ReadingThread m_thread;
  views::Document m_document{m_thread};
  views::Selection m_selection{m_document};
};

// Reports problems as test failures.
class ModelTester : public QAbstractItemModelTester {
 public:
  explicit ModelTester(QAbstractItemModel* model)
      : QAbstractItemModelTester(model, QAbstractItemModelTester::FailureReportingMode::Warning) {}
};

}  // namespace kvatlas::test
