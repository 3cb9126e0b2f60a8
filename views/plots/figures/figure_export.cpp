#include "views/plots/figures/figure_export.h"

#include <fmt/format.h>

#include <QBuffer>
#include <QDateTime>
#include <QImage>
#include <QPageLayout>
#include <QPdfWriter>
#include <QSvgGenerator>
#include <cmath>

#include "core/base/error.h"

namespace kvatlas::views {
namespace {

void paint(Canvas& canvas, QCPPainter& painter) {
  painter.setMode(QCPPainter::pmVectorized);  // exact positions on every device
  painter.setMode(QCPPainter::pmNoCaching);
  canvas.plot().toPainter(&painter, canvas.width(), canvas.height());
}

// Replaces bytes without changing the length, so that all offsets in the file stay valid.
void patch(QByteArray& bytes, const QByteArray& before, const QByteArray& now) {
  const qsizetype at = bytes.indexOf(before);
  if (at < 0 || before.size() != now.size()) fail("unexpected output of the PDF engine: no '{}'", before.toStdString());
  bytes.replace(at, before.size(), now);
}

// Qt rounds page sizes to whole points; overwrites them with the exact size, in the same number of characters.
void setExactPage(QByteArray& pdf, const QSize& page, double width, double height) {
  const auto box = [](double w, double h) {
    return QByteArray::fromStdString(fmt::format("/MediaBox [0 0 {:.6f} {:.6f}]", w, h));
  };
  patch(pdf, box(page.width(), page.height()), box(width, height));
}

void setFixedDate(QByteArray& pdf, const std::string& created) {
  const QByteArray key = "/CreationDate (D:";
  const qsizetype at = pdf.indexOf(key);
  const qsizetype begin = at + key.size(), end = pdf.indexOf(')', begin);
  if (at < 0 || end < 0) return;
  QDateTime date = QDateTime::fromString(QString::fromStdString(created), Qt::ISODate).toUTC();
  if (!date.isValid()) date = QDateTime(QDate(2000, 1, 1), QTime(0, 0), Qt::UTC);
  QByteArray text = date.toString(QStringLiteral("yyyyMMddHHmmss")).toLatin1();
  const qsizetype room = end - begin;
  text += room >= text.size() + 7 ? "+00'00'" : room > text.size() ? "Z" : "";
  pdf.replace(begin, room, text.leftJustified(room, ' ', true));
}

QByteArray renderPdf(Canvas& canvas, const ExportSettings& settings) {
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  const double width = canvas.width() * 72.0 / kUnitsPerInch, height = canvas.height() * 72.0 / kUnitsPerInch;
  // Qt places the figure at the top of a page of whole points; the media box is measured from the bottom.
  const QSize page(static_cast<int>(std::ceil(width - 1e-9)), static_cast<int>(std::ceil(height - 1e-9)));
  {
    QPdfWriter writer(&buffer);
    writer.setResolution(kUnitsPerInch);
    writer.setPageLayout(QPageLayout(QPageSize(QSizeF(page), QPageSize::Point, QString(), QPageSize::ExactMatch),
                                     QPageLayout::Portrait, QMarginsF(0, 0, 0, 0), QPageLayout::Point,
                                     QMarginsF(0, 0, 0, 0)));
    writer.setTitle(QString::fromStdString(settings.title));
    writer.setCreator(QStringLiteral("KVAtlas"));
    QCPPainter painter;
    if (!painter.begin(&writer)) fail("cannot start the PDF engine");
    painter.setRenderHint(QPainter::LosslessImageRendering);
    painter.translate(0, (page.height() - height) / 72.0 * kUnitsPerInch);
    paint(canvas, painter);
    painter.end();
  }
  setExactPage(bytes, page, width, height);
  setFixedDate(bytes, settings.created);
  return bytes;
}

QByteArray renderSvg(Canvas& canvas, const ExportSettings& settings) {
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  QSvgGenerator generator;
  generator.setOutputDevice(&buffer);
  generator.setResolution(kUnitsPerInch);
  generator.setSize(QSize(canvas.width(), canvas.height()));
  generator.setViewBox(QRect(0, 0, canvas.width(), canvas.height()));
  generator.setTitle(QString::fromStdString(settings.title));
  generator.setDescription(QStringLiteral("Created by KVAtlas"));
  QCPPainter painter;
  if (!painter.begin(&generator)) fail("cannot start the SVG engine");
  paint(canvas, painter);
  painter.end();
  // Some viewers smooth "optimizeSpeed"; "pixelated" is the modern value.
  bytes.replace("image-rendering=\"optimizeSpeed\"",
                "image-rendering=\"optimizeSpeed\" style=\"image-rendering:pixelated\"");
  return bytes;
}

QByteArray renderPng(Canvas& canvas, const ExportSettings& settings) {
  constexpr int kMostPixels = 32000;  // the limit of Qt's raster engine is 32767
  const double scale = settings.dpi / kUnitsPerInch;
  const int width = qRound(canvas.width() * scale), height = qRound(canvas.height() * scale);
  if (width < 1 || height < 1 || width > kMostPixels || height > kMostPixels)
    failUsage("--dpi {}: the figure would be {} × {} pixels, the maximum is {}", settings.dpi, width, height,
              kMostPixels);
  QImage image(width, height, QImage::Format_RGB32);
  if (image.isNull()) fail("not enough memory for an image of {} × {} pixels", width, height);
  image.fill(toColour(canvas.colours().paper));
  const int dots_per_metre = static_cast<int>(std::lround(settings.dpi / 0.0254));
  {
    QCPPainter painter;
    if (!painter.begin(&image)) fail("cannot paint the image");
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setRenderHint(QPainter::TextAntialiasing);
    painter.scale(static_cast<double>(width) / canvas.width(), static_cast<double>(height) / canvas.height());
    paint(canvas, painter);
    painter.end();
  }
  image.setDotsPerMeterX(dots_per_metre);
  image.setDotsPerMeterY(dots_per_metre);
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  if (!image.save(&buffer, "PNG")) fail("cannot compress the image");
  return bytes;
}

}  // namespace

namespace {

// Qt's engines only print what goes wrong while they compress, such as missing memory. Watches the calling thread.
class TroubleWatch {
 public:
  TroubleWatch() {
    s_trouble.clear();
    s_before = qInstallMessageHandler(note);
  }
  ~TroubleWatch() { qInstallMessageHandler(s_before); }
  TroubleWatch(const TroubleWatch&) = delete;
  TroubleWatch& operator=(const TroubleWatch&) = delete;
  void requireNone() const {
    if (!s_trouble.empty()) fail("the figure cannot be drawn: {}", s_trouble);
  }

 private:
  static void note(QtMsgType type, const QMessageLogContext& context, const QString& message) {
    for (const char* word : {"writeCompressed", "deflate", "memory", "Null image", "null image"})
      if (message.contains(QLatin1String(word))) s_trouble = message.toStdString();
    if (s_before != nullptr && s_trouble.empty()) s_before(type, context, message);
  }

  static thread_local std::string s_trouble;
  static inline QtMessageHandler s_before = nullptr;
};
thread_local std::string TroubleWatch::s_trouble;

QByteArray render(Canvas& canvas, FigureFormat format, const ExportSettings& settings) {
  switch (format) {
    case FigureFormat::Pdf:
      return renderPdf(canvas, settings);
    case FigureFormat::Svg:
      return renderSvg(canvas, settings);
    case FigureFormat::Png:
      return renderPng(canvas, settings);
  }
  fail("unknown figure format");
}

}  // namespace

FigureFormat formatOf(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  for (char& letter : ending) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  if (ending == ".pdf") return FigureFormat::Pdf;
  if (ending == ".svg") return FigureFormat::Svg;
  if (ending == ".png") return FigureFormat::Png;
  failUsage("-o {}: a figure's file name must end in .pdf, .svg or .png", path.string());
}

QByteArray renderFigure(Canvas& canvas, FigureFormat format, const ExportSettings& settings) {
  const TroubleWatch watch;
  QByteArray bytes = render(canvas, format, settings);
  watch.requireNone();
  // Qt writes an image that it cannot compress as an empty one.
  if (format == FigureFormat::Svg && bytes.contains("base64,\"")) fail("not enough memory to compress the images");
  return bytes;
}

}  // namespace kvatlas::views
