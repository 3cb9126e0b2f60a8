#include "app/explorer/window/window_copies.h"

#include <QApplication>
#include <QClipboard>

#include "app/explorer/export_dialog.h"
#include "app/explorer/window/view_keeper.h"
#include "app/explorer/window/window_actions.h"
#include "app/explorer/window/window_pages.h"
#include "views/pages/map/map_page.h"

namespace kvatlas::app {

void connectCopies(QWidget& window, const WindowActions& actions, WindowPages& pages, const ViewKeeper& keeper) {
  QClipboard* clipboard = QApplication::clipboard();
  QObject::connect(actions.copy_image, &QAction::triggered, &window, [&window, &pages, clipboard] {
    QWidget& shown = *pages.map().shownView();
    const int dpi = 2 * window.logicalDpiX();  // twice the screen resolution
    clipboard->setImage(drawWidget(shown, {static_cast<double>(shown.width()) / window.logicalDpiX(), dpi}));
  });
  QObject::connect(actions.copy_view, &QAction::triggered, &window, [&keeper, clipboard] {
    clipboard->setText(QString::fromStdString(views::toJson(keeper.present()).dump()));
  });
  QObject::connect(actions.copy_data, &QAction::triggered, &window,
                   [&pages, clipboard] { clipboard->setText(pages.csv()); });
  QObject::connect(actions.export_view, &QAction::triggered, &window, [&window, &pages, &keeper] {
    auto* dialog = new ExportDialog(*pages.map().shownView(), &window,
                                    [&keeper] { return views::toJson(keeper.present()).dump(2); });
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->show();
  });
}

}  // namespace kvatlas::app
