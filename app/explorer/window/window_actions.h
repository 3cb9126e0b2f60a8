// Every action of the window with its text and shortcut, and the menu bar.
#pragma once

#include <QAction>
#include <QMenu>
#include <QObject>
#include <vector>

class QMainWindow;

namespace kvatlas::app {

struct WindowActions {
  // Adds all actions to the window's menu bar.
  explicit WindowActions(QMainWindow& window);

  QMenu *file, *recent, *capture, *view, *theme, *panels, *compare, *bookmarks, *figures, *help;
  QAction *open_results, *show_results;
  QAction *open, *add_trace, *close, *refresh, *export_view, *copy_image, *copy_data, *copy_view, *quit;
  QAction *new_capture, *stop_capture;
  QAction *layer_up, *layer_down, *head_left, *head_right, *fit, *caption, *readout, *overview, *find, *go_to,
      *reset_layout, *full_screen, *map_only, *square_cells;
  QAction *other_trace, *close_other, *swap, *add_bookmark, *keep_in_trace;
  QAction *tour, *keys, *glossary, *whats_this, *manual, *about;
  std::vector<QAction*> compare_modes;  // data(): a PaneMode
  std::vector<QAction*> figure_kinds;   // data(): name of the figure kind

  // Enables the actions that need an open trace.
  void setTraceOpen(bool open);
  // Enables the actions of a folder of results; `shown`: in front of a trace.
  void setResultsOpen(bool open, bool shown);
  void setOtherOpen(bool open) const;  // the same for a second trace

 private:
  QAction* add(QMenu* menu, const char* name, const QString& text, const QList<QKeySequence>& shortcuts = {});
  void fillFile();
  void fillView();
  void fillCompare();
  void fillFigures();

  QMainWindow& m_window;
  std::vector<QAction*> m_need_trace;
};

}  // namespace kvatlas::app
