// The pages around the map, one row each. A new page is its pair of files and a row here.
#pragma once

#include <QSize>
#include <QString>
#include <functional>
#include <span>

class QWidget;

namespace kvatlas::views {
class Document;
class MapPage;
class Selection;
}  // namespace kvatlas::views

namespace kvatlas::app {

// Where a page stands on a first start. Pages of one stack are tabs; the one of the first row is on top.
enum class PageStack { Runs, Grid, Details, Choices, Charts };
// Error for a value that is none of these.
[[nodiscard]] Qt::DockWidgetArea areaOf(PageStack stack);

struct PageContext {
  views::Document& document;
  views::Selection& selection;
  views::MapPage& map;
};

struct MadePage {
  QWidget* widget = nullptr;
  std::function<QString()> csv;  // the numbers it shows; empty: it has none
};

struct PageRow {
  const char* id;     // names the dock in layouts that were saved
  const char* title;  // to be translated
  PageStack stack;
  QSize size;  // of the stack on a first start, pixels, in the row of its first page; 0: what Qt gives
  MadePage (*make)(const PageContext& context);
};

// In the order of the menu. Rows of one stack follow one another.
[[nodiscard]] std::span<const PageRow> pageTable();

}  // namespace kvatlas::app
