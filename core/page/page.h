// One HTML file that shows a trace in any browser, without a network. No Qt.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/trace/reader.h"

namespace kvatlas::page {

inline constexpr std::uint64_t kDefaultMostBytes = std::uint64_t{16} << 20;

struct PageOptions {
  std::vector<LayerIndex> layers;    // empty: all recorded ones
  std::vector<HeadIndex> heads;      // query heads; empty: all recorded ones
  std::optional<std::size_t> level;  // of the maps; empty: the finest with which the page fits
  trace::Reduction reduction = trace::Reduction::Mean;
  std::uint64_t most_bytes = kDefaultMostBytes;
};

// What the options select in a trace.
struct PageContent {
  std::vector<LayerIndex> layers;
  std::vector<HeadIndex> heads;
  std::size_t level = 0;
  std::uint64_t cell = 0, side = 0;  // tokens per cell, cells per side
  trace::Reduction reduction = trace::Reduction::Mean;
  std::uint64_t most_attended_bytes = 0;  // for the keys that generated tokens attend to; further runs go without
};

// A page ready to be written. Reads everything but the maps when made.
class Page {
 public:
  // UsageError: a layer, head or level that the trace does not have, or a page larger than most_bytes (the message says
  // how large and what would make it smaller). Error: the trace has no maps. `reader` must outlive this.
  Page(const trace::Reader& reader, const PageOptions& options);

  [[nodiscard]] const PageContent& content() const { return m_content; }
  [[nodiscard]] std::uint64_t bytes() const { return m_bytes; }  // exact
  // "270 maps of 228 × 228 cells, 4 tokens each".
  [[nodiscard]] std::string summary() const;
  // Writes the file in pieces; holds one map at a time.
  void write(const std::function<void(std::string_view)>& sink) const;

 private:
  const trace::Reader* m_reader;
  PageContent m_content;
  std::string m_data;
  std::uint64_t m_bytes = 0;
};

}  // namespace kvatlas::page
