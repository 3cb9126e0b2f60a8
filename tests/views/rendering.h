// Turns exported figures back into pixels, by other programmes than the one that wrote them.
#pragma once

#include <QByteArray>
#include <QImage>
#include <filesystem>
#include <string>

namespace kvatlas::test {

// At 300 pixels per inch. PDF by poppler's pdftoppm (a null image where it is not installed), SVG by Qt's reader.
[[nodiscard]] QImage renderPdf(const QByteArray& pdf);
// The first picture in a PDF, pixel by pixel as it is stored; null without poppler's pdfimages.
[[nodiscard]] QImage firstImageOfPdf(const QByteArray& pdf);
[[nodiscard]] QImage renderSvg(const QByteArray& svg, const QSize& size);
[[nodiscard]] bool havePoppler();

}  // namespace kvatlas::test
