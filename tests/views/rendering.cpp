#include "tests/views/rendering.h"

#include <unistd.h>

#include <QPainter>
#include <QProcess>
#include <QStandardPaths>
#include <QSvgRenderer>
#include <QTemporaryDir>

namespace kvatlas::test {

bool havePoppler() {
  return !QStandardPaths::findExecutable(QStringLiteral("pdftoppm")).isEmpty();
}

namespace {

// Runs one of Poppler's programmes on a document and loads its output image, `target` + `suffix`.
QImage pictureFrom(const QByteArray& pdf, const QString& programme, const QStringList& options, const QString& suffix) {
  QTemporaryDir folder;
  QFile file(folder.filePath(QStringLiteral("figure.pdf")));
  if (!file.open(QIODevice::WriteOnly) || file.write(pdf) != pdf.size()) return {};
  file.close();
  const QString target = folder.filePath(QStringLiteral("page"));
  const int code = QProcess::execute(programme, options + QStringList{file.fileName(), target});
  return code == 0 ? QImage(target + suffix).convertToFormat(QImage::Format_RGB32) : QImage();
}

}  // namespace

QImage renderPdf(const QByteArray& pdf) {
  return pictureFrom(
      pdf, QStringLiteral("pdftoppm"),
      {QStringLiteral("-r"), QStringLiteral("300"), QStringLiteral("-png"), QStringLiteral("-singlefile")},
      QStringLiteral(".png"));
}

QImage firstImageOfPdf(const QByteArray& pdf) {
  return pictureFrom(pdf, QStringLiteral("pdfimages"), {QStringLiteral("-png")}, QStringLiteral("-000.png"));
}

QImage renderSvg(const QByteArray& svg, const QSize& size) {
  QSvgRenderer renderer(svg);
  if (!renderer.isValid()) return {};
  QImage image(size, QImage::Format_RGB32);
  image.fill(Qt::white);
  QPainter painter(&image);
  renderer.render(&painter, QRectF(image.rect()));
  return image;
}

}  // namespace kvatlas::test
