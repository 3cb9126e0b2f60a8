// Fixture for page tests: an open sample trace, driven by real events.
#pragma once

#include "tests/views/pages/qt_widgets.h"
#include "views/models/document/document.h"
#include "views/models/document/selection.h"

namespace kvatlas::test {

class OpenedPagesTest : public QtWidgetTest {
 protected:
  void open(const SampleTraceOptions& options = {.budgets = {32, 64}}) {
    m_sample = makeSampleTrace(options);
    openSample();
  }
  void openSample() {
    writeSampleTrace(m_folder / "a.kva.h5", m_sample);
    m_document.open(m_folder / "a.kva.h5");
    ASSERT_TRUE(waitUntil([this] { return m_document.isOpen(); }));
    for (const views::RunId run : m_document.runIds()) (void)m_document.run(run);
    m_selection.setFocusRun(1);  // an eviction run; a trace opens with the full cache
    ASSERT_TRUE(settled());
  }
  // Waits until all requests are answered and all events processed.
  bool settled() {
    return waitUntil([this] {
      QApplication::processEvents();
      return m_thread.pending() == 0;
    });
  }
  static void show(QWidget& page, const QSize& size) {
    page.resize(size);
    page.show();
    QApplication::processEvents();
  }
  // A chart's page, filled and drawn.
  template <class Page>
  void showChart(Page& page) {
    show(page, {700, 240});
    page.updateNow();
    ASSERT_TRUE(settled());
    QApplication::processEvents();
    page.updateNow();
    QApplication::processEvents();
  }
  // By keyboard, as a user does: emits both `activated` and `currentIndexChanged`.
  static void choose(QWidget& parent, const char* name, int index) {
    auto* box = child<QComboBox>(parent, name);
    const Qt::Key key = index > box->currentIndex() ? Qt::Key_Down : Qt::Key_Up;
    for (int steps = std::abs(index - box->currentIndex()); steps > 0; --steps) QTest::keyClick(box, key);
    EXPECT_EQ(box->currentIndex(), index) << name;
  }

  views::ReadingThread m_thread;
  views::Document m_document{m_thread};
  views::Selection m_selection{m_document};
  SampleTrace m_sample;
};

}  // namespace kvatlas::test
