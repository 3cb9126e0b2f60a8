// The pages around the map, one row each. To add a page, add its .h and .cpp and one row here.
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

// Default place of a page. Pages of one stack are tabs; the first row is on top. Wide: needs width, not height.
enum class PageStack { Runs, Grid, Details, Charts, Wide };
// The shape of the window: wide ones show text and charts beside the map, others below it.
enum class WindowShape { Wide, Narrow };
// Error for an invalid value.
[[nodiscard]] Qt::DockWidgetArea areaOf(PageStack stack, WindowShape shape);

struct PageContext {
  views::Document& document;
  views::Selection& selection;
  views::MapPage& map;
};

struct MadePage {
  QWidget* widget = nullptr;
  std::function<QString()> csv;  // the numbers it shows; empty: none
};

struct PageRow {
  const char* id;     // name of the dock in saved layouts
  const char* title;  // for tr(); short, because it labels a tab
  PageStack stack;
  QSize size;  // default size of the stack in pixels, in the row of its first page; 0: Qt's default
  MadePage (*make)(const PageContext& context);
};

// In menu order. Rows of one stack are adjacent.
[[nodiscard]] std::span<const PageRow> pageTable();

}  // namespace kvatlas::app
