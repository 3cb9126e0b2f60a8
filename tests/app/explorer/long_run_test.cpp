// Many captures in one window: memory does not grow. KVATLAS_CAPTURES sets their number (2000 take about an hour).
#include <malloc.h>
#include <QAction>
#include <QFile>
#include <QPushButton>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "app/explorer/capture/capture_dialog.h"
#include "app/explorer/capture/capture_form.h"
#include "app/explorer/explorer_settings.h"
#include "app/explorer/programme_files.h"
#include "app/explorer/window/main_window.h"
#include "app/explorer/window/window_actions.h"
#include "tests/views/pages/qt_widgets.h"

namespace kvatlas::app {
namespace {

constexpr int kUsualCaptures = 30;
constexpr double kMostGrowthMb = 8;  // after the first tenth; caches and heap fragmentation take less

// What is allocated now; resident memory also has what the heap cannot give back.
double heapMb() {
  const struct mallinfo2 heap = ::mallinfo2();
  return static_cast<double>(heap.uordblks + heap.hblkhd) / (1 << 20);
}

double residentMb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
  return 0;
}

class LongRunTest : public test::QtWidgetTest {
 protected:
  LongRunTest() : m_settings(file("settings.ini")), m_window(m_settings) { m_window.show(); }

  void capture(int number) {
    const QString output = file("run" + std::to_string(number) + ".kva.h5");
    m_window.actions().new_capture->trigger();
    auto* dialog = m_window.findChild<CaptureDialog*>();
    ASSERT_NE(dialog, nullptr);
    CaptureRequest request = CaptureRequest{}.with(
        QStringLiteral("Run %1: a single man in possession of a good fortune must be in want of a wife").arg(number),
        QStringLiteral("h2o"), QStringLiteral("16"), 4);
    request.model = resourceFile(QStringLiteral("models/tiny-llama"));
    request.new_tokens = 2;
    request.map_size = 32;
    request.output = output;
    dialog->form().setRequest(request);
    auto* const start = child<QPushButton>(*dialog, "captureStart");
    // A trace is complete a moment before its capture has ended.
    ASSERT_TRUE(waitUntil([&] { return start->isEnabled(); })) << number;
    click(start);
    ASSERT_TRUE(waitUntil([&] {
      return m_window.document().isOpen() && m_window.document().path() == output.toStdString() &&
             m_window.document().status() == views::TraceStatus::Complete;
    })) << number
        << ": " << m_window.message().toStdString();
    ASSERT_EQ(m_window.document().runIds().size(), 2U);
    if (!m_last.isEmpty()) QFile::remove(m_last);
    m_last = output;
  }

  ExplorerSettings m_settings;
  MainWindow m_window;
  QString m_last;
};

TEST_F(LongRunTest, ManyCapturesInOneWindow) {
  if (!QFile::exists(QCoreApplication::applicationDirPath() + QStringLiteral("/../lib/libkvatlas_capture.so")))
    GTEST_SKIP() << "built without libtorch";
  const char* const wanted = std::getenv("KVATLAS_CAPTURES");
  const int count = wanted != nullptr ? std::atoi(wanted) : kUsualCaptures;
  double early = 0;
  for (int number = 1; number <= count; ++number) {
    ASSERT_NO_FATAL_FAILURE(capture(number));
    if (number == std::max(count / 10, 5)) early = residentMb();
    if (number % std::max(count / 10, 1) == 0)
      std::cout << number << " captures: " << residentMb() << " MB, " << heapMb() << " of them allocated" << std::endl;
  }
  EXPECT_LT(residentMb(), early + kMostGrowthMb);
}

}  // namespace
}  // namespace kvatlas::app
