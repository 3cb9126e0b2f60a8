// Renders exported figures to pixels with independent programmes.
#pragma once

#include <QByteArray>
#include <QImage>
#include <filesystem>
#include <string>

namespace kvatlas::test {

// At 300 pixels per inch. PDF by Poppler's pdftoppm (a null image if it is not installed), SVG by Qt's renderer.
[[nodiscard]] QImage renderPdf(const QByteArray& pdf);
// The first image in a PDF, with its stored pixels; null without Poppler's pdfimages.
[[nodiscard]] QImage firstImageOfPdf(const QByteArray& pdf);
[[nodiscard]] QImage renderSvg(const QByteArray& svg, const QSize& size);
[[nodiscard]] bool havePoppler();

}  // namespace kvatlas::test
